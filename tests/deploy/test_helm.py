"""The chart renders for every service, every object meets Kubernetes' own schema, and the walls are the declarations'."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from typer.testing import CliRunner
from yimen.cli import helm as made
from yimen.cli.main import app
from yimen.runtime.registry import services

CHART = Path("deploy/helm/yimen")
KUBERNETES = ("1.27", "1.33")
HELM = Path(sys.executable).with_name("helm")
OWN = {
    "image": {"repository": "images.county/yimen", "tag": "1"},
    "database": {"secret": {"name": "database", "key": "url"}, "to": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]},
    "broker": {"secret": {"name": "broker", "key": "url"}, "adminSecret": {"name": "admin", "key": "url"}},
    "keys": {"secret": "keys"}, "bank": {"address": "bank.gov:50051", "to": [{"ipBlock": {"cidr": "10.1.0.0/24"}}]},
    "exchange": {"url": "https://exchange.gov"}, "telemetry": {"endpoint": "http://otel:4318"},
    "tolerations": [{"key": "relief", "operator": "Exists"}], "nodeSelector": {"zone": "a"},
}


def _render(name: str, own: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "own.yaml").write_text(yaml.safe_dump(own))
    return subprocess.run([HELM, "template", name.replace("_", "-"), CHART, "-f", made.FOLDER / f"{name}.yaml", "-f",
                           folder / "own.yaml"], capture_output=True, text=True, check=False)


def _objects(name: str, folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    done = _render(name, OWN, folder)
    assert done.returncode == 0, done.stderr
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(done.stdout) if one}


@pytest.mark.parametrize("name", services())
def test_every_object_meets_the_schema_of_kubernetes(name: str, tmp_path: Path) -> None:
    objects = _objects(name, tmp_path)
    assert {kind for kind, _ in objects} == {"Deployment", "Service", "ServiceAccount", "Job", "NetworkPolicy"}
    for one in objects.values():
        for version in KUBERNETES:
            kubernetes_validate.validate(one, version, strict=True)


def _called(rules: list[dict[str, Any]], side: str) -> set[str]:
    return {peer["podSelector"]["matchLabels"]["yimen/service"] for rule in rules for peer in rule.get(side, [])
            if "yimen/service" in peer.get("podSelector", {}).get("matchLabels", {})}


@pytest.mark.parametrize("name", services())
def test_network_policies_open_exactly_the_declared_ways(name: str, tmp_path: Path) -> None:
    dashed, objects = name.replace("_", "-"), _objects(name, tmp_path)
    reaches = objects["NetworkPolicy", f"{dashed}-reaches"]["spec"]
    assert _called(reaches["egress"], "to") == {p.replace("_", "-") for p in services()[name].peers if p != "bank"}
    callers = objects["NetworkPolicy", f"{dashed}-callers"]["spec"]
    assert _called(callers["ingress"], "from") == {s.name.replace("_", "-") for s in services().values() if name in s.peers}
    assert objects["NetworkPolicy", f"{dashed}-closed"]["spec"]["policyTypes"] == ["Ingress"]
    bank = {"ipBlock": {"cidr": "10.1.0.0/24"}}
    assert any(bank in rule.get("to", []) for rule in reaches["egress"]) == ("bank" in services()[name].peers)


def test_only_who_speaks_http_has_its_port_and_only_for_the_gateway(tmp_path: Path) -> None:
    gateway = {"web": {"from": [{"podSelector": {"matchLabels": {"app": "gateway"}}}]}}
    for name, speaks in (("roster", True), ("medical", False)):
        done = _render(name, {**OWN, **gateway}, tmp_path)
        objects = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(done.stdout) if one}
        ports = {port["port"] for port in objects["Service", name]["spec"]["ports"]}
        opened = {port["port"]: rule["from"] for rule in objects["NetworkPolicy", f"{name}-callers"]["spec"]["ingress"]
                  for port in rule["ports"]}
        assert (8080 in ports, opened.get(8080) == gateway["web"]["from"]) == (speaks, speaks)


def test_processes_probe_drain_and_own_nothing(tmp_path: Path) -> None:
    objects = _objects("means_test", tmp_path)
    server, worker = (objects["Deployment", f"means-test{part}"]["spec"] for part in ("", "-worker"))
    container = server["template"]["spec"]["containers"][0]
    assert container["command"] == ["yimen", "server", "means_test"] and container["readinessProbe"]["grpc"] == {"port": 50051}
    assert "YIMEN_ALIVE_FILE" in {one["name"] for one in worker["template"]["spec"]["containers"][0]["env"]}
    for deployment in (server, worker):
        pod = deployment["template"]["spec"]
        assert deployment["strategy"] == {"type": "Recreate"} and pod["terminationGracePeriodSeconds"] > 10
        assert pod["securityContext"]["runAsNonRoot"] and pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
    for job, command in (("migrate", "migrate"), ("setup", "setup")):
        made_job = objects["Job", f"means-test-{job}"]
        assert made_job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
        assert made_job["spec"]["template"]["spec"]["containers"][0]["command"] == ["yimen", command, "means_test"]


@pytest.mark.parametrize("missing, told", [
    ("database", "database.secret.name"), ("broker", "broker.secret.name"), ("keys", "keys.secret")])
def test_a_value_that_is_missing_is_named(missing: str, told: str, tmp_path: Path) -> None:
    done = _render("medical", {name: value for name, value in OWN.items() if name != missing}, tmp_path)
    assert done.returncode != 0 and told in done.stderr


def test_payment_without_its_bank_is_refused(tmp_path: Path) -> None:
    done = _render("payment", {**OWN, "bank": {}}, tmp_path)
    assert done.returncode != 0 and "bank.address" in done.stderr


def test_values_do_not_drift_from_the_declarations() -> None:
    for path, text in made.files().items():
        assert path.read_text() == text, "run `yimen helm --write`"
    assert {path.stem for path in made.FOLDER.glob("*.yaml")} == set(services())


def test_broker_users_get_passwords_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    first, again = (CliRunner().invoke(app, ["broker", "--passwords", str(file)]) for _ in range(2))
    assert first.exit_code == 0 and first.output == again.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    told = json.loads(first.output)
    assert {user["name"] for user in told["users"]} == {f"yimen_{name}" for name in services()}
    file.write_text("[1]")
    assert CliRunner().invoke(app, ["broker", "--passwords", str(file)]).exit_code != 0
