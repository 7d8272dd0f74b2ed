"""Admission policies as the cluster applies them: CEL, with Kubernetes' additions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import celpy
from celpy import celtypes

Manifest = Mapping[str, Any]

_NUMBER = re.compile(r"([+-]?[0-9]*\.?[0-9]*)(.*)", re.DOTALL)
_POWERS = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_BINARY_POWERS = {f"{prefix}i": power for power, prefix in enumerate("KMGTPE", 1)}


class Quantity:
    """An amount, as ``quantity()`` returns it."""

    def __init__(self, text: str) -> None:
        self.amount = amount(text)


def amount(text: str) -> Fraction:
    """Return what a quantity comes to; raises `ValueError` for what is none.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    found = _NUMBER.fullmatch(text)
    if found is None or not any(character.isdigit() for character in found[1]):
        raise ValueError(f"{text!r} is not a quantity")
    number, suffix = Fraction(found[1]), found[2]
    if suffix in _POWERS:
        return number * Fraction(1000) ** _POWERS[suffix]
    if suffix in _BINARY_POWERS:
        return number * Fraction(1024) ** _BINARY_POWERS[suffix]
    if re.fullmatch(r"[eE][+-]?[0-9]+", suffix):
        return number * Fraction(10) ** int(suffix[1:])
    raise ValueError(f"{text!r} is not a quantity")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "quantity": lambda text: Quantity(str(text)),
    "compareTo": lambda one, other: celtypes.IntType(
        (one.amount > other.amount) - (one.amount < other.amount)
    ),
}


class Object(celtypes.MapType):
    """A mapping that is not null, where the library would know no answer."""

    def __eq__(self, other: object) -> Any:
        return celtypes.BoolType(False) if other is None else super().__eq__(other)

    def __ne__(self, other: object) -> Any:
        return celtypes.BoolType(True) if other is None else super().__ne__(other)

    __hash__ = None  # type: ignore[assignment]


def to_cel(value: Any) -> Any:
    """Return JSON as the expressions see it."""
    if isinstance(value, Mapping):
        return Object({celtypes.StringType(k): to_cel(v) for k, v in value.items()})
    if isinstance(value, list):
        return celtypes.ListType([to_cel(item) for item in value])
    return celpy.json_to_cel(value)


def stored(pod: Manifest) -> dict[str, Any]:
    """Return a pod as the API server hands it on: amounts are texts, in thousandths at finest."""
    return {key: _stored(value) for key, value in pod.items()}


def _stored(value: Any) -> Any:
    if isinstance(value, list):
        return [_stored(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        key: {name: _rounded(given) for name, given in part.items()}
        if key in ("limits", "requests")
        else _stored(part)
        for key, part in value.items()
    }


def _rounded(given: Any) -> str:
    text = str(given)
    try:
        milli = amount(text) * 1000
    except ValueError:
        return text  # Would be refused before any policy is asked.
    return text if milli.denominator == 1 else f"{ceil(milli)}m"


@dataclass(frozen=True)
class Verdict:
    """What a policy says of one request."""

    matches: bool
    refusals: tuple[str, ...] = ()

    @property
    def admitted(self) -> bool:
        """Tell whether the request goes through."""
        return not self.refusals


class Variables(celtypes.MapType):
    """A policy's variables, each evaluated when it is first asked for."""

    def __init__(self, programs: Mapping[str, Any], known: Mapping[str, Any]) -> None:
        super().__init__()
        self._programs, self._known = programs, dict(known)
        self._context: dict[str, Any] = {}

    def bind(self, context: dict[str, Any]) -> None:
        """Set what the expressions can name besides."""
        self._context = {**context, "variables": self}

    def __getitem__(self, key: Any) -> Any:
        name = str(key)
        if name not in self._known:
            try:
                self._known[name] = self._programs[name].evaluate(self._context)
            except celpy.CELEvalError as error:
                self._known[name] = error  # What depends on it decides whether it matters.
        return self._known[name]


class Policy:
    """A ValidatingAdmissionPolicy, compiled once."""

    def __init__(self, manifest: Manifest) -> None:
        spec = manifest["spec"]
        assert spec["failurePolicy"] == "Fail"
        self._environment = celpy.Environment()
        self._conditions = [self._program(c["expression"]) for c in spec["matchConditions"]]
        self._variables = {v["name"]: self._program(v["expression"]) for v in spec["variables"]}
        # Tables name nothing else: they are the same for every request.
        self._tables = {
            v["name"]: self._variables[v["name"]].evaluate({})
            for v in spec["variables"]
            if v["expression"].startswith("{")
        }
        self._rules = [
            (self._program(v["expression"]), self._program(v["messageExpression"]))
            for v in spec["validations"]
        ]

    def _program(self, expression: str) -> Any:
        return self._environment.program(self._environment.compile(expression), FUNCTIONS)

    def review(self, pod: Manifest, creator: str, *, old: Manifest | None = None) -> Verdict:
        """Return the verdict on creating a pod, or on changing ``old`` into it."""
        context = {
            "object": to_cel(stored(pod)),
            "oldObject": None if old is None else to_cel(stored(old)),
            "request": to_cel({"userInfo": {"username": creator}}),
        }
        if not all(bool(condition.evaluate(context)) for condition in self._conditions):
            return Verdict(matches=False)
        variables = Variables(self._variables, self._tables)
        variables.bind(context)
        return Verdict(True, tuple(self._refusals({**context, "variables": variables})))

    def _refusals(self, context: dict[str, Any]) -> Iterable[str]:
        for rule, message in self._rules:
            try:
                holds = bool(rule.evaluate(context))
            except celpy.CELEvalError as error:
                yield f"error: {str(error)[:100]}"
                continue
            if not holds:
                yield str(message.evaluate(context))
