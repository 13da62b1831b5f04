"""What spans inherit: whom and what they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline import semconv

if TYPE_CHECKING:
    from collections.abc import Mapping


class Labels:
    """An immutable set of labels. Not a dataclass: one is made for each observed call at the most.

    Attributes:
        feature: the product feature.
        prompt_name, prompt_version: the prompt in use; a version never outlives its name.
        session, user: whose conversation it is.
        experiment, variant: the innermost experiment and what this unit got of it.
        tags: arbitrary names and values.
    """

    __slots__ = (
        "_attributes",
        "experiment",
        "feature",
        "prompt_name",
        "prompt_version",
        "session",
        "tags",
        "user",
        "variant",
    )

    def __init__(
        self,
        *,
        feature: str | None = None,
        prompt_name: str | None = None,
        prompt_version: str | None = None,
        session: str | None = None,
        user: str | None = None,
        experiment: str | None = None,
        variant: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.feature = feature
        self.prompt_name = prompt_name
        self.prompt_version = prompt_version
        self.session = session
        self.user = user
        self.experiment = experiment
        self.variant = variant
        self.tags: Mapping[str, str] = tags or {}
        self._attributes: dict[str, str] | None = None

    def inside(self, inner: Labels) -> Labels:
        """These labels as they are within ``inner``, whose own ones are nearer."""
        named = inner.prompt_name is not None
        tried = inner.experiment is not None
        return Labels(
            feature=inner.feature or self.feature,
            prompt_name=inner.prompt_name if named else self.prompt_name,
            prompt_version=inner.prompt_version if named else inner.prompt_version or self.prompt_version,
            session=inner.session or self.session,
            user=inner.user or self.user,
            experiment=inner.experiment if tried else self.experiment,
            variant=inner.variant if tried else self.variant,
            tags={**self.tags, **inner.tags} if inner.tags else self.tags,
        )

    def named_variant(self) -> str | None:
        """Experiment and variant as the one text by which metrics are split."""
        return None if self.experiment is None or self.variant is None else f"{self.experiment}:{self.variant}"

    def attributes(self) -> Mapping[str, str]:
        """As attributes of a span; made once, as many spans share them."""
        if self._attributes is None:
            named = {key: getattr(self, name) for name, key in _KEYS}
            self._attributes = {key: value for key, value in named.items() if value is not None} | {
                semconv.TAG_PREFIX + name: value for name, value in self.tags.items()
            }
        return self._attributes


_KEYS: Final = (
    ("feature", semconv.FEATURE),
    ("prompt_name", semconv.PROMPT_NAME),
    ("prompt_version", semconv.PROMPT_VERSION),
    ("session", semconv.CONVERSATION_ID),
    ("user", semconv.USER_ID),
    ("experiment", semconv.EXPERIMENT),
    ("variant", semconv.VARIANT),
)

NONE: Final = Labels()
