"""The OTLP/HTTP receiver: ``POST /v1/traces`` and ``/v1/logs`` of any OpenTelemetry SDK, put on the bus.

Nothing is imported here: starlette and uvicorn belong to the ``server`` extra, and only
``driftline.receiver.app`` and ``driftline.receiver.serve`` need them.
"""
