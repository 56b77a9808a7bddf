"""Traces by OpenTelemetry, from the request of a page to the append: off unless the standard settings ask for them.

The code makes spans with OpenTelemetry's API, which does nothing by itself. What sends them is the extra
`thidua[traces]`. They are asked for by `OTEL_TRACES_EXPORTER` (`otlp` or `console`), or by the address of a collector
(`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`), which is spoken to by HTTP; sampling, batches and
resources follow the SDK's own settings.

A span holds names, ids, counts and times: `ATTRIBUTES` lists what leaves the process. Texts of errors never do, because
they may hold what people wrote; nor do addresses, which FastAPI notes of each request and which may hold secrets.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace

from errors import InputError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

_EXPORTER, _PROTOCOL = "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL"
_ADDRESSES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_EXPORTERS, _PROTOCOLS = ("otlp", "console", "none"), ("http/protobuf",)

ATTRIBUTES = frozenset(
    {
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "thidua.activity",
        "thidua.events",
        "thidua.items",
        "thidua.outcome",
        "thidua.request",
        "thidua.stream",
    }
)


def asked_for(env: Mapping[str, str]) -> str | None:
    """The setting that asks for traces; None where none does."""
    if env.get("OTEL_SDK_DISABLED", "").lower() == "true" or env.get(_EXPORTER) == "none":
        return None
    return next((name for name in (_EXPORTER, *_ADDRESSES) if env.get(name)), None)


def check_traces(env: Mapping[str, str]) -> None:
    """Check the settings of traces, before anything is started.

    Raises:
        InputError: `setting_bad_traces`; `traces_not_installed`.
    """
    if (setting := asked_for(env)) is None:
        return
    for name, possible in ((_EXPORTER, _EXPORTERS), (_PROTOCOL, _PROTOCOLS)):
        if (found := env.get(name)) and found not in possible:
            raise InputError("setting_bad_traces", setting=name, found=found[:80], possible=", ".join(possible))
    if importlib.util.find_spec("opentelemetry.sdk") is None:
        raise InputError("traces_not_installed", setting=setting)


@contextmanager
def traced(part: str, env: Mapping[str, str]) -> Iterator[bool]:
    """Send the spans of a process while the context lasts, if they are asked for; yield whether they are.

    Raises:
        InputError: as `check_traces`.
    """
    check_traces(env)
    if asked_for(env) is None:
        yield False
        return
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415 - the extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above

    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before, where they are set.
    named = {} if env.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: f"thidua-{part}"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(without_texts(_exporter(env))))
    trace.set_tracer_provider(provider)
    try:
        yield True
    finally:
        provider.shutdown()


def _exporter(env: Mapping[str, str]) -> SpanExporter:
    if env.get(_EXPORTER) == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415 - the extra

        return ConsoleSpanExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - as above

    return OTLPSpanExporter()


def without_texts(exporter: SpanExporter) -> SpanExporter:
    """Wrap an exporter: only `ATTRIBUTES`, names, times and whether it failed reach it."""
    from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415 - the extra
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult  # noqa: PLC0415 - as above
    from opentelemetry.trace import Status  # noqa: PLC0415 - beside them

    def bare(span: ReadableSpan) -> ReadableSpan:
        return ReadableSpan(
            name=span.name,
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes={name: value for name, value in (span.attributes or {}).items() if name in ATTRIBUTES},
            links=span.links,
            kind=span.kind,
            status=Status(span.status.status_code),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    class TextlessExporter(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return exporter.export([bare(span) for span in spans])

        def shutdown(self) -> None:
            exporter.shutdown()

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return exporter.force_flush(timeout_millis)

    return TextlessExporter()
