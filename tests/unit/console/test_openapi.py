"""One OpenAPI document of several."""

from typing import Any

from placet_console.openapi import merge


def document(paths: dict[str, Any], **schemas: Any) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "x", "version": "0"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def answer(schema: str) -> dict[str, Any]:
    return {"get": {"responses": {"200": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}}


def test_each_service_gives_the_paths_that_lead_to_it() -> None:
    merged = merge(
        document({"/api/v1/users": {}}),
        {
            "scheduler": document({"/api/v1/jobs/{name}": {}, "/api/v1/requests": {}, "/health/live": {}}),
            "sync-worker": document(
                {"/api/v1/runs/{run_id}/changes": {}, "/api/v1/job-checks": {}, "/api/v1/jobs": {}}
            ),
        },
    )
    assert list(merged["paths"]) == ["/api/v1/jobs/{name}", "/api/v1/runs/{run_id}/changes", "/api/v1/users"]
    assert merged["security"] == [{"token": []}]


def test_schemas_of_the_same_name_stay_apart() -> None:
    page, other = {"type": "object"}, {"type": "array"}
    merged = merge(
        document({}, Page=page),
        {
            "sync-worker": document({"/api/v1/runs/{id}/changes": answer("Page")}, Page=other),
            "approvals": document({"/api/v1/requests": answer("Page")}, Page=page),
        },
    )
    assert merged["components"]["schemas"] == {"Page": page, "SyncWorkerPage": other}
    assert merged["paths"]["/api/v1/runs/{id}/changes"] == answer("SyncWorkerPage")
    assert merged["paths"]["/api/v1/requests"] == answer("Page")
