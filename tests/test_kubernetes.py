"""The Kubernetes manifests: valid, and each promise they make is one that the service keeps."""

import json
import os
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from service.auth import PROBES
from service.server import GRACE_SECONDS, IDLE_SECONDS
from service.settings import Settings, unknown_variables
from tests.conftest import ROOT
from tests.manifests import KUBERNETES, Manifest, amount, of_kind, pod_template, render, variables

FOLDERS = sorted(path.parent for path in KUBERNETES.rglob("kustomization.yaml"))
TARGETS = [folder for folder in FOLDERS if folder.parent.name != "components"]
"""What can be applied as it is."""

DOCKERFILE = (ROOT / "Dockerfile").read_text()
CUSTOM = yaml.safe_load((ROOT / "tests" / "data" / "custom_resources.yaml").read_text())


@pytest.fixture(scope="module")
def base() -> list[Manifest]:
    return render(KUBERNETES / "base")


@pytest.fixture(scope="module")
def deployment(base) -> Manifest:
    return of_kind(base, "Deployment")


@pytest.fixture(scope="module")
def container(deployment) -> Manifest:
    """The only one of the pod."""
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return container


@pytest.fixture(scope="module")
def job() -> Manifest:
    return of_kind(render(KUBERNETES / "bulk"), "Job")


def validate(manifest: Manifest) -> None:
    """Strictly: a field that its kind does not have is an error."""
    if (kind := manifest["kind"]) in CUSTOM:
        assert set(manifest) == {"apiVersion", "kind", "metadata", "spec"}
        jsonschema.validate(manifest["spec"], CUSTOM[kind])
        if template := pod_template(manifest):
            metadata = {"name": "as-a-pod"}
            kubernetes_validate.validate(
                {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, **template}, "1.32", True
            )
    else:
        for version in ("1.32", kubernetes_validate.latest_version()):
            kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("folder", TARGETS, ids=lambda folder: folder.name)
def test_every_manifest_is_valid(folder):
    """Of every kind, and each name once."""
    manifests = render(folder)
    for manifest in manifests:
        validate(manifest)
    names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests]
    assert len(names) == len(set(names))
    assert {manifest["metadata"].get("namespace", "lenet5") for manifest in manifests} == {"lenet5"}


@pytest.mark.parametrize("change", [{"spec": {"prot": []}}, {"spec": {"rules": [{"timeouts": {"request": "30"}}]}}])
def test_a_wrong_manifest_is_told(change):
    """The control: a misspelt field, and a time without its unit."""
    route = of_kind(render(KUBERNETES / "overlays" / "gateway"), "HTTPRoute")
    with pytest.raises(jsonschema.ValidationError):
        validate(route | change)


# What the pod promises


def test_probes_ask_what_the_service_answers(container, client):
    """Without the key, and at the port it listens on."""
    assert {"containerPort": 8000, "name": "http"} in container["ports"]
    assert re.search(r"^EXPOSE 8000$", DOCKERFILE, re.MULTILINE)
    for kind, path in {"startup": "/readyz", "readiness": "/readyz", "liveness": "/livez"}.items():
        probe = container[f"{kind}Probe"]
        assert probe["httpGet"] == {"path": path, "port": "http"}
        assert path in PROBES
        assert client.get(path).status_code == 200


def test_a_busy_pod_is_not_killed(container):
    """Liveness is more patient than readiness, and than the longest that one request may take."""
    live, ready = container["livenessProbe"], container["readinessProbe"]
    patience = live["periodSeconds"] * live["failureThreshold"]
    assert patience > ready["periodSeconds"] * ready["failureThreshold"]
    assert patience > Settings().request_timeout_seconds


def test_the_grace_period_covers_the_stop(deployment, container):
    """The drain, which is longer than readiness takes to be noticed; then what operations.md says a stop takes."""
    drain = float(variables(container)["LENET_DRAIN_SECONDS"]["value"])
    stop = 12
    assert f"{stop} seconds after the drain" in " ".join((ROOT / "docs" / "operations.md").read_text().split())
    assert stop > GRACE_SECONDS + IDLE_SECONDS
    assert drain >= container["readinessProbe"]["periodSeconds"]
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= drain + stop


def test_the_cpu_limit_sets_the_threads(container):
    assert variables(container)["LENET_THREADS"]["valueFrom"]["resourceFieldRef"]["resource"] == "limits.cpu"
    assert amount(container["resources"]["limits"]["cpu"]) >= 1


def test_the_memory_limit_follows_from_the_formula(container):
    """At rest, the largest picture in each thread, and the bodies of all clients in arrival."""
    formula = re.findall(r"(\d+) MB", (ROOT / "docs" / "operations.md").read_text().split("## Memory")[1])
    resting, files, picture = (int(number) * 10**6 for number in formula[:3])
    threads = amount(container["resources"]["limits"]["cpu"])
    need = resting + files + picture * threads + 2 * Settings().max_buffered_bytes
    assert need <= amount(container["resources"]["limits"]["memory"])


@pytest.mark.parametrize("folder", TARGETS, ids=lambda folder: folder.name)
def test_every_variable_is_a_setting(folder):
    """A misspelt one would change nothing."""
    templates = filter(None, map(pod_template, render(folder)))
    containers = chain.from_iterable(template["spec"]["containers"] for template in templates)
    assert not [name for container in containers for name in unknown_variables(variables(container))]


def test_the_restricted_standard_is_kept_and_enforced(base):
    """By every pod there is, beside what the standard does not ask for: a root that is read only, and no token."""
    labels = of_kind(base, "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert re.search(r"^USER [1-9]\d*:0$", DOCKERFILE, re.MULTILINE), (
        "a user by number, whom Kubernetes can tell from root"
    )

    pods = [template["spec"] for folder in TARGETS for template in map(pod_template, render(folder)) if template]
    assert len(pods) == 7
    for pod in pods:
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert all({"emptyDir", "configMap", "persistentVolumeClaim"} & set(volume) for volume in pod["volumes"])
        for container in pod["containers"]:
            context = pod.get("securityContext", {}) | container["securityContext"]
            assert context["runAsNonRoot"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}
            assert context["readOnlyRootFilesystem"] is True
            assert {"requests", "limits"} == set(container["resources"])
    for pod in (pod for pod in pods if "serviceAccountName" in pod or "restartPolicy" in pod):
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False


def test_the_account_is_the_pods_own_and_gives_no_token(base, deployment):
    account = of_kind(base, "ServiceAccount")
    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == account["metadata"]["name"]
    assert account["automountServiceAccountToken"] is False


def test_a_rollout_takes_no_pod_before_there_is_another(deployment):
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


# What finds the pods


def test_everything_that_selects_selects_the_pods(base, deployment):
    """Service, budget, policy, spread and autoscaler."""
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    budget, policy = of_kind(base, "PodDisruptionBudget"), of_kind(base, "NetworkPolicy")
    spread = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    selectors = [
        of_kind(base, "Service")["spec"]["selector"],
        budget["spec"]["selector"]["matchLabels"],
        policy["spec"]["podSelector"]["matchLabels"],
        *(constraint["labelSelector"]["matchLabels"] for constraint in spread),
    ]
    assert all(selector and selector.items() <= labels.items() for selector in selectors)
    assert {constraint["topologyKey"] for constraint in spread} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }

    scaler = of_kind(base, "HorizontalPodAutoscaler")["spec"]
    target = scaler["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    assert "replicas" not in deployment["spec"]
    assert scaler["minReplicas"] > budget["spec"]["maxUnavailable"]
    [metric] = scaler["metrics"]
    assert metric["resource"]["name"] == "cpu"


def test_the_service_leads_to_the_port(base, container):
    service = of_kind(base, "Service")
    [port] = service["spec"]["ports"]
    assert service["metadata"]["name"] == "lenet5-api"
    assert port["targetPort"] in [port["name"] for port in container["ports"]]


def test_the_network_is_as_closed_as_it_can_be(base, container):
    """In by the one port, out nowhere."""
    policy = of_kind(base, "NetworkPolicy")["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert "egress" not in policy
    [[port]] = [rule["ports"] for rule in policy["ingress"]]
    assert port["port"] in [port["name"] for port in container["ports"]]


def test_the_gateway_routes_what_is_public(base, client):
    """Every route in the documentation but the probes and the metrics, and nothing else."""
    manifests = render(KUBERNETES / "overlays" / "gateway")
    [rule] = of_kind(manifests, "HTTPRoute")["spec"]["rules"]

    def routed(path: str) -> bool:
        return any(
            path == match["value"] or (match["type"] == "PathPrefix" and path.startswith(match["value"] + "/"))
            for match in (match["path"] for match in rule["matches"])
        )

    public = set(client.get("/openapi.json").json()["paths"]) | {"/", "/docs", "/openapi.json"}
    inside = {"/livez", "/readyz", "/metrics"}
    assert not {path for path in public - inside if not routed(path)}
    assert not {path for path in inside if routed(path)}
    [backend] = rule["backendRefs"]
    service = of_kind(base, "Service")
    assert backend == {"name": service["metadata"]["name"], "port": service["spec"]["ports"][0]["port"]}


def test_prometheus_finds_the_pods_under_the_name_the_alerts_ask_for(deployment, container, client):
    monitor = of_kind(render(KUBERNETES / "overlays" / "observability"), "PodMonitor")["spec"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    [endpoint] = monitor["podMetricsEndpoints"]
    assert monitor["selector"]["matchLabels"].items() <= labels.items()
    assert endpoint["port"] in [port["name"] for port in container["ports"]]
    assert "lenet5_requests_total" in client.get(endpoint["path"]).text
    assert f'job="{labels[monitor["jobLabel"]]}"' in (ROOT / "deploy" / "observability" / "alerts.yml").read_text()


def test_kserve_finds_the_model(client):
    """By the protocol, the name and the probes that the service speaks."""
    manifests = render(KUBERNETES / "overlays" / "kserve")
    runtime, inference = of_kind(manifests, "ServingRuntime"), of_kind(manifests, "InferenceService")
    model = inference["spec"]["predictor"]["model"]
    [container] = runtime["spec"]["containers"]
    [kind] = runtime["spec"]["supportedModelFormats"]
    assert model["runtime"] == runtime["metadata"]["name"]
    assert model["modelFormat"] == {"name": kind["name"], "version": kind["version"]}
    assert [model["protocolVersion"]] == runtime["spec"]["protocolVersions"]
    assert container["name"] == "kserve-container"
    assert inference["spec"]["predictor"]["minReplicas"] == 0
    for probe in ("readinessProbe", "livenessProbe"):
        assert client.get(container[probe]["httpGet"]["path"]).status_code == 200
    assert client.get(f"/v2/models/{inference['metadata']['name']}").json()["versions"] == [kind["version"]]


def test_the_model_component_mounts_what_is_served(tmp_path):
    """The whole folder, read only, where LENET_MODEL_PATH looks."""
    bases = {
        "resources": [os.path.relpath(KUBERNETES / "base", tmp_path.resolve())],
        "components": [os.path.relpath(KUBERNETES / "components" / "model", tmp_path.resolve())],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(bases))
    deployment = of_kind(render(tmp_path), "Deployment")
    validate(deployment)
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    [mount] = [mount for mount in container["volumeMounts"] if mount["name"] == "model"]
    assert variables(container)["LENET_MODEL_PATH"]["value"] == f"{mount['mountPath']}/lenet5.onnx"
    assert "subPath" not in mount
    assert variables(container)["LENET_DRAIN_SECONDS"], "it is added to what is there"


# Bulk


def test_the_shards_of_the_job_read_every_picture_once(job, tmp_path, digit_png):
    """Its own command for each index, run here; and twice for one of them, as after a lost pod."""
    spec = job["spec"]
    [container] = spec["template"]["spec"]["containers"]
    (tmp_path / "pictures").mkdir()
    for number in range(20):
        (tmp_path / "pictures" / f"{number:02}.png").write_bytes(digit_png)
    (tmp_path / "answers").mkdir()

    for index in [0, *range(spec["completions"])]:
        arguments = [
            argument.replace("$(JOB_COMPLETION_INDEX)", str(index))
            .replace("$(WORKERS)", "1")
            .replace("/pictures", str(tmp_path / "pictures"))
            .replace("/answers/", f"{tmp_path}/answers/")
            for argument in container["args"]
        ]
        done = subprocess.run(
            [sys.executable, "-m", "service.cli", *arguments], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    files = sorted((tmp_path / "answers").glob("*.jsonl"))
    assert len(files) == spec["completions"] == spec["parallelism"]
    rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert sorted(Path(row["source"]).name for row in rows) == [f"{number:02}.png" for number in range(20)]


def test_a_lost_pod_of_the_job_is_replaced(job):
    """Never before it is gone, which would make two write to one file; each index by itself."""
    spec = job["spec"]
    assert spec["completionMode"] == "Indexed"
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["backoffLimitPerIndex"] > 0
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
