"""OTLP's two signals and their two encodings, for whoever reads requests: the receiver and ingest.

Nothing is imported here: protobuf's JSON parser is slow to load, and applications that only record need none of it.
"""
