"""The network that people's servers see."""

from __future__ import annotations

from typing import Any

from baton_hub.catalog import Catalog
from baton_hub.cluster.target import SERVER, SERVER_LABEL, Manifest, Target, manifest

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
# Shared address space, link-local with the clouds' metadata, and Azure's host: a public address.
_INSIDE = (*_PRIVATE, "100.64.0.0/10", "169.254.0.0/16", "168.63.129.16/32")
_INSIDE_6 = ("fc00::/7", "fe80::/10")
# Where a cluster keeps its cache of names on the nodes, if it has one.
_NODE_DNS = "169.254.20.10/32"
_SERVICES = (("baton-mlflow", 5000), ("baton-desk", 5001))


def render_network(catalog: Catalog, target: Target) -> Manifest:
    """Return the NetworkPolicy of people's servers.

    In: from the Hub and the proxy. Out: to the Hub, the proxy, MLflow, the desk, names,
    and the internet without private addresses and the cloud's metadata. Policies add
    up: what another one allows, the chart's own included, stays allowed.
    """
    return manifest(
        "NetworkPolicy",
        "baton.servers",
        catalog.revision,
        namespace=target.namespace,
        spec={
            "podSelector": {"matchLabels": {SERVER_LABEL: SERVER}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [_from_the_hub(target)],
            "egress": [
                _to(target.chart_pods("hub"), 8081),
                _to(target.chart_pods("proxy"), 8000),
                _to(target.chart_pods("autohttps"), 8080, 8443),
                *(_to({"matchLabels": {"app.kubernetes.io/name": n}}, p) for n, p in _SERVICES),
                _names(),
                {"to": [_block("0.0.0.0/0", _INSIDE), _block("::/0", _INSIDE_6)]},
            ],
        },
    )


def _from_the_hub(target: Target) -> dict[str, Any]:
    peers = [{"podSelector": target.chart_pods(component)} for component in ("hub", "proxy")]
    return {"from": peers, "ports": [{"protocol": "TCP", "port": "notebook-port"}]}


def _to(pods: dict[str, Any], *ports: int) -> dict[str, Any]:
    return {
        "to": [{"podSelector": pods}],
        "ports": [{"protocol": "TCP", "port": port} for port in ports],
    }


def _names() -> dict[str, Any]:
    system = {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}
    blocks = [{"ipBlock": {"cidr": cidr}} for cidr in (*_PRIVATE, _NODE_DNS)]
    return {
        "to": [{"namespaceSelector": system}, *blocks],
        "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")],
    }


def _block(cidr: str, without: tuple[str, ...]) -> dict[str, Any]:
    return {"ipBlock": {"cidr": cidr, "except": list(without)}}
