"""Rules that each set of values keeps: what is read exists, what is selected is meant, and pods are safe and end well."""

import re

import pytest

from charts import (
    LEAST,
    SETS,
    component_of,
    containers_of,
    hooks_of,
    matches,
    name_of,
    objects_of,
    of_kind,
    pods_of,
)

SELECTED = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}


# ---- what is read exists


def secrets_named(values):
    """(Secret, key) that the values name; the key is None where the whole Secret is meant."""
    named = set()
    keys = {
        "keyring": "keyring.toml",
        "relay": "secret",
        "mail": "password",
        "test": "key",
    }
    for section, default in keys.items():
        place = values.get(section, {})
        if "existingSecret" in place:
            named.add((place["existingSecret"], place.get("key", default)))
    for section in ("database", "codes", "migrate"):
        place = values.get(section, {})
        if "existingSecret" in place:
            key = place.get("passwordKey", "password") if "url" in place else place.get("key", "url")
            named.add((place["existingSecret"], key))
        if "existingSecret" in place.get("ca", {}):
            named.add((place["ca"]["existingSecret"], place["ca"].get("key", "ca.crt")))
        if "existingSecret" in place.get("clientCertificate", {}):
            named |= {(place["clientCertificate"]["existingSecret"], key) for key in ("tls.crt", "tls.key")}
    if "sentinel" in values.get("codes", {}):
        sentinel = values["codes"]["sentinel"]
        named.add((sentinel["existingSecret"], sentinel.get("key", "password")))
    if "existingSecret" in values.get("tls", {}):
        named |= {(values["tls"]["existingSecret"], key) for key in ("tls.crt", "tls.key")}
    if "existingSecret" in values.get("delivery", {}).get("proxy", {}):
        named.add(
            (values["delivery"]["proxy"]["existingSecret"], values["delivery"]["proxy"].get("key", "url"))
        )
    named |= {(name, None) for name in values.get("apply", {}).get("secrets", [])}
    for variable in values.get("extraEnv", []):
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        if reference:
            named.add((reference["name"], reference["key"]))
    for pulls in (values.get("imagePullSecrets", []), values.get("global", {}).get("imagePullSecrets", [])):
        named |= {(name, ".dockerconfigjson") for name in pulls}
    return named


def secrets_made(objects):
    return {
        (certificate["spec"]["secretName"], key)
        for certificate in of_kind(objects, "Certificate")
        for key in ("tls.crt", "tls.key")
    }


def secrets_read(objects):
    for thing, pod in pods_of(objects):
        for volume in pod["spec"].get("volumes", []):
            if secret := volume.get("secret"):
                for item in secret.get("items", [{"key": None}]):
                    yield thing, (secret["secretName"], item["key"])
        for pull in pod["spec"].get("imagePullSecrets", []):
            yield thing, (pull["name"], ".dockerconfigjson")
    for thing, _, container in containers_of(objects):
        assert "envFrom" not in container
        for variable in container.get("env", []):
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                yield thing, (reference["name"], reference["key"])


def test_each_secret_key_is_named_or_made(rendered):
    known = secrets_named(rendered.values) | secrets_made(rendered.objects)
    for thing, read in secrets_read(rendered.objects):
        assert read in known, name_of(thing)


def test_each_named_secret_is_read(rendered):
    read = {read for _, read in secrets_read(rendered.objects)}
    assert secrets_named(rendered.values) <= read


def test_no_secret_is_rendered(rendered):
    assert of_kind(rendered.objects, "Secret") == []


def test_each_config_map_and_claim_is_named_or_made(rendered):
    made = {(thing["kind"], thing["metadata"]["name"]) for thing in rendered.objects}
    for thing, pod in pods_of(rendered.objects):
        for volume in pod["spec"].get("volumes", []):
            if "configMap" in volume:
                name = volume["configMap"]["name"]
                assert ("ConfigMap", name) in made or name in str(rendered.values), name_of(thing)
            if "persistentVolumeClaim" in volume:
                name = volume["persistentVolumeClaim"]["claimName"]
                places = (rendered.values.get("persistence", {}), rendered.values.get("portal", {}).get("countries", {}))
                existing = {place.get("existingClaim") for place in places}
                assert (("PersistentVolumeClaim", name) in made) != (name in existing), name_of(thing)
        account = pod["spec"]["serviceAccountName"]
        assert ("ServiceAccount", account) in made or account in ("default", "sms"), name_of(thing)


def test_each_volume_is_mounted_and_each_file_is_there(rendered):
    for thing, pod, container in containers_of(rendered.objects):
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        mounts = {mount["name"]: mount["mountPath"] for mount in container.get("volumeMounts", [])}
        assert volumes.keys() == mounts.keys(), name_of(thing)
        files = set()
        for name, volume in volumes.items():
            source = volume.get("secret") or volume.get("configMap") or {}
            files |= {f"{mounts[name]}/{item['path']}" for item in source.get("items", [])}
            if name == "portal-countries":
                files.add(f"{mounts[name]}/{rendered.values['portal']['countries']['file']}")
        read = {one["value"] for one in container.get("env", []) if one.get("value", "").startswith("/etc/")}
        # Those of the programs that are read by their arguments.
        read |= {one for one in container.get("args", []) if one == "/etc/countersign/test/key"}
        assert read == files, name_of(thing)


def test_only_the_group_reads_secrets(rendered):
    for thing, pod in pods_of(rendered.objects):
        for volume in pod["spec"].get("volumes", []):
            if "secret" in volume:
                assert volume["secret"]["defaultMode"] == 0o440, name_of(thing)
                assert pod["spec"]["securityContext"]["fsGroup"], name_of(thing)


# ---- what is selected is meant


def pods_selected(objects, selector):
    return {name_of(thing) for thing, pod in pods_of(objects) if matches(selector, pod["metadata"]["labels"])}


def test_labels(rendered):
    for thing in rendered.objects:
        labels = thing["metadata"]["labels"]
        assert labels.keys() >= SELECTED | {
            "helm.sh/chart",
            "app.kubernetes.io/version",
            "app.kubernetes.io/managed-by",
        }
        assert labels.items() >= rendered.values.get("commonLabels", {}).items()
    for _, pod in pods_of(rendered.objects):
        assert pod["metadata"]["labels"].items() >= rendered.values.get("commonLabels", {}).items()


def test_each_deployment_selects_its_own_pods_alone(rendered):
    for deployment in of_kind(rendered.objects, "Deployment"):
        selector = deployment["spec"]["selector"]
        # A selector can never change, so no version and no label of the user is in it.
        assert selector["matchLabels"].keys() == SELECTED
        assert pods_selected(rendered.objects, selector) == {name_of(deployment)}
        for constraint in deployment["spec"]["template"]["spec"].get("topologySpreadConstraints", []):
            assert matches(constraint["labelSelector"], deployment["spec"]["template"]["metadata"]["labels"])


def test_each_service_reaches_a_port_of_one_deployment(rendered):
    deployments = {name_of(thing): thing for thing in of_kind(rendered.objects, "Deployment")}
    for service in of_kind(rendered.objects, "Service"):
        (selected,) = pods_selected(rendered.objects, {"matchLabels": service["spec"]["selector"]})
        (container,) = deployments[selected]["spec"]["template"]["spec"]["containers"]
        ports = {port["name"] for port in container["ports"]}
        # Each Service has one port, and names it as the container does.
        (port,) = service["spec"]["ports"]
        assert port["targetPort"] == port["name"] and port["name"] in ports


def test_the_metrics_have_services_of_their_own(rendered):
    for service in of_kind(rendered.objects, "Service"):
        names = [port["name"] for port in service["spec"]["ports"]]
        assert names in (["api"], ["operator"])
        assert (names == ["operator"]) == (service["spec"].get("clusterIP") == "None")


def test_the_monitor_selects_one_service_for_each_deployment(rendered):
    for monitor in of_kind(rendered.objects, "ServiceMonitor"):
        services = of_kind(rendered.objects, "Service")
        selected = [
            one for one in services if matches(monitor["spec"]["selector"], one["metadata"]["labels"])
        ]
        deployments = of_kind(rendered.objects, "Deployment")
        assert sorted(map(component_of, selected)) == sorted(map(component_of, deployments))
        for endpoint in monitor["spec"]["endpoints"]:
            assert all(
                endpoint["port"] in [port["name"] for port in one["spec"]["ports"]] for one in selected
            )


def test_routes_lead_to_the_service_of_the_api(rendered):
    (service,) = [
        one for one in of_kind(rendered.objects, "Service") if one["spec"]["ports"][0]["name"] == "api"
    ]
    (port,) = service["spec"]["ports"]
    for ingress in of_kind(rendered.objects, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                to = path["backend"]["service"]
                assert (to["name"], to["port"]) == (service["metadata"]["name"], {"name": port["name"]})
    for route in of_kind(rendered.objects, "HTTPRoute"):
        for rule in route["spec"]["rules"]:
            for to in rule["backendRefs"]:
                assert (to["name"], to["port"]) == (service["metadata"]["name"], port["port"])


def test_the_portal_has_a_host_of_its_own_or_none(rendered):
    host = rendered.values.get("portal", {}).get("host")
    for ingress in of_kind(rendered.objects, "Ingress"):
        hosts = [rule["host"] for rule in ingress["spec"]["rules"]]
        assert hosts == rendered.values["ingress"]["hosts"] + ([host] if host else [])
        assert all(tls["hosts"] == hosts for tls in ingress["spec"].get("tls", []))
    for route in of_kind(rendered.objects, "HTTPRoute"):
        # Without names a route has all hosts.
        named = rendered.values["gateway"].get("hostnames", [])
        assert route["spec"].get("hostnames", []) == named + ([host] if host and named else [])


def test_a_portal_that_is_off_has_no_host():
    values = {"portal": {"host": "portal.example.com", "enabled": False}}
    values |= {"ingress": {"enabled": True, "hosts": ["sms.example.com"]}}
    (ingress,) = of_kind(objects_of(LEAST | values), "Ingress")
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["sms.example.com"]


def test_budgets(rendered):
    budgets = {component_of(one): one for one in of_kind(rendered.objects, "PodDisruptionBudget")}
    for deployment in of_kind(rendered.objects, "Deployment"):
        budget = budgets.pop(component_of(deployment), None)
        single = deployment["spec"].get("replicas") == 1
        assert (budget is None) == single, name_of(deployment)
        if budget:
            assert budget["spec"]["maxUnavailable"] == 1 and "minAvailable" not in budget["spec"]
            assert budget["spec"]["selector"] == deployment["spec"]["selector"]
    assert budgets == {}


def test_no_replicas_beside_an_autoscaler(rendered):
    scalers = {
        one["spec"]["scaleTargetRef"]["name"]: one
        for one in of_kind(rendered.objects, "HorizontalPodAutoscaler")
    }
    for deployment in of_kind(rendered.objects, "Deployment"):
        scaler = scalers.pop(deployment["metadata"]["name"], None)
        assert ("replicas" in deployment["spec"]) == (scaler is None)
        if scaler:
            (metric,) = scaler["spec"]["metrics"]
            assert metric["resource"]["name"] == "cpu"
            (container,) = deployment["spec"]["template"]["spec"]["containers"]
            assert "cpu" in container["resources"]["requests"]
            assert "cpu" not in container["resources"]["limits"]
    assert scalers == {}


# ---- hooks


def test_a_hook_before_the_release_needs_nothing_of_it(rendered):
    made = {
        (thing["kind"], thing["metadata"]["name"])
        for thing in rendered.objects
        if not hooks_of(thing).startswith("pre-")
    }
    for thing, pod in pods_of(rendered.objects):
        if not hooks_of(thing).startswith("pre-"):
            continue
        assert ("ServiceAccount", pod["spec"]["serviceAccountName"]) not in made
        for volume in pod["spec"]["volumes"]:
            assert volume.keys() <= {"name", "secret", "configMap"}
            assert ("ConfigMap", volume.get("configMap", {}).get("name")) not in made
            assert (volume.get("secret", {}).get("secretName"), "tls.crt") not in secrets_made(
                rendered.objects
            )


def test_a_failed_job_stays_and_a_new_one_takes_its_place(rendered):
    for thing in rendered.objects:
        if thing["kind"] == "Job" and hooks_of(thing):
            policy = thing["metadata"]["annotations"]["helm.sh/hook-delete-policy"].split(",")
            assert sorted(policy) == ["before-hook-creation", "hook-succeeded"]
            assert "ttlSecondsAfterFinished" not in thing["spec"]
            # With OnFailure the pod, and its log, would go with the Job's end.
            assert thing["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_the_migration_waits_for_another_runner():
    for name in ("least", "gitops"):
        objects = objects_of(LEAST | ({"migrate": {"hook": False}} if name == "gitops" else {}))
        (job,) = [one for one in of_kind(objects, "Job") if component_of(one) == "migrate"]
        assert job["spec"]["activeDeadlineSeconds"] > 600


def test_the_mode_decides_what_runs(rendered):
    modes = {"single": ["all"], "all": ["all"], "split": ["api", "worker"]}
    mode = rendered.values.get("mode", "single")
    deployments = of_kind(rendered.objects, "Deployment")
    assert sorted(map(component_of, deployments)) == modes[mode]
    assert [c["args"] for t, _, c in containers_of(deployments)] == [
        ["serve", "--role", one] for one in modes[mode]
    ]
    migrations = [one for one in of_kind(rendered.objects, "Job") if component_of(one) == "migrate"]
    assert len(migrations) == (mode != "single")


def test_a_single_server_keeps_its_volume():
    (claim,) = of_kind(objects_of({"trusted_proxies": ["::1"]}), "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    (deployment,) = of_kind(objects_of({"trusted_proxies": ["::1"]}), "Deployment")
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert deployment["spec"]["replicas"] == 1
    # Else Kubernetes adds the group's rights to the key ring at each start, and the server refuses the file.
    context = deployment["spec"]["template"]["spec"]["securityContext"]
    assert context["fsGroupChangePolicy"] == "OnRootMismatch"


# ---- pods


def test_pods_pass_the_restricted_level(rendered):
    for thing, pod, container in containers_of(rendered.objects):
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True and context["runAsUser"] > 0, name_of(thing)
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            assert field not in pod
        allowed = {"name", "secret", "configMap", "emptyDir", "persistentVolumeClaim"}
        assert all(volume.keys() <= allowed for volume in pod.get("volumes", []))
        assert not any("hostPort" in port for port in container.get("ports", []))


def test_the_token_of_the_account_is_not_mounted(rendered):
    for thing, pod in pods_of(rendered.objects):
        assert pod["spec"]["automountServiceAccountToken"] is False, name_of(thing)
    for account in of_kind(rendered.objects, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_an_image_for_all(rendered):
    images = {container["image"] for _, _, container in containers_of(rendered.objects)}
    assert len(images) == 1


def test_resources(rendered):
    for thing, _, container in containers_of(rendered.objects):
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}, name_of(thing)
        assert "memory" in container["resources"]["limits"], name_of(thing)


def test_probes(rendered):
    for deployment in of_kind(rendered.objects, "Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for probe, path in (("startupProbe", "live"), ("livenessProbe", "live"), ("readinessProbe", "ready")):
            ask = container[probe]["httpGet"]
            assert (ask["path"], ports[ask["port"]]) == (f"/health/{path}", 9090)
        # The server answers within 2 s, whatever its stores do.
        assert container["readinessProbe"]["timeoutSeconds"] > 2
        assert ports.keys() == ({"operator"} if component_of(deployment) == "worker" else {"api", "operator"})
        variables = {one["name"]: one.get("value") for one in container["env"]}
        for setting, port in (("BIND", 8080), ("OPERATOR_BIND", 9090)):
            assert variables[f"COUNTERSIGN__SERVER__{setting}"].endswith(f":{port}")


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])


def test_the_grace_holds_the_sleep_and_the_stop(rendered):
    for deployment in of_kind(rendered.objects, "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        sleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        stop = {one["name"]: one.get("value") for one in container["env"]}[
            "COUNTERSIGN__SERVER__SHUTDOWN_TIMEOUT"
        ]
        assert pod["terminationGracePeriodSeconds"] > sleep + max(25, seconds(stop))


def test_variables_are_set_once(rendered):
    for thing, _, container in containers_of(rendered.objects):
        names = [one["name"] for one in container.get("env", [])]
        assert len(names) == len(set(names)), name_of(thing)


@pytest.mark.parametrize("mode", ["all", "split"])
def test_no_budget_for_a_single_pod(mode):
    one = {"replicas": 1}
    assert (
        of_kind(
            objects_of(LEAST | {"mode": mode, "all": one, "api": one, "worker": one}), "PodDisruptionBudget"
        )
        == []
    )


def test_each_set_is_about_something_else(all_rendered):
    assert len({rendered.texts["helm4", 0] for rendered in all_rendered.values()}) == len(SETS)


def migration_of(values):
    """The variables and the Secret's key of the Job that migrates."""
    objects = objects_of(LEAST | values)
    ((_, pod, container),) = [one for one in containers_of(objects) if component_of(one[0]) == "migrate"]
    sources = [volume["secret"] for volume in pod.get("volumes", [])]
    return (
        {one["name"].removeprefix("COUNTERSIGN__DATABASE__"): one["value"] for one in container["env"]},
        [(one["secretName"], item["key"]) for one in sources for item in one["items"]],
    )


FOLDER = "/etc/countersign/database"
IN_FILE, WITH_PASSWORD = {"URL_FILE": f"{FOLDER}/url"}, {"PASSWORD_FILE": f"{FOLDER}/password"}
DIRECT, POOLED = "postgres://app@direct/app", "postgres://app@pooler/app"


@pytest.mark.parametrize(
    ("database", "migrate", "variables", "secrets"),
    [
        ({"existingSecret": "a"}, {}, IN_FILE, [("a", "url")]),
        ({"existingSecret": "a", "key": "uri"}, {"existingSecret": "b"}, IN_FILE, [("b", "url")]),
        ({"url": POOLED, "existingSecret": "a"}, {}, {"URL": POOLED} | WITH_PASSWORD, [("a", "password")]),
        ({"url": POOLED, "existingSecret": "a", "passwordKey": "p"}, {"url": DIRECT}, {"URL": DIRECT} | WITH_PASSWORD, [("a", "p")]),
        ({"existingSecret": "a"}, {"url": DIRECT, "existingSecret": "b"}, {"URL": DIRECT} | WITH_PASSWORD, [("b", "password")]),
        ({"url": POOLED, "existingSecret": "a"}, {"existingSecret": "b", "key": "uri"}, IN_FILE, [("b", "uri")]),
        ({"url": POOLED}, {}, {"URL": POOLED}, []),
    ],
)  # fmt: skip
def test_the_migration_reaches_its_own_postgres(database, migrate, variables, secrets):
    assert migration_of({"database": database, "migrate": migrate}) == (variables, secrets)
