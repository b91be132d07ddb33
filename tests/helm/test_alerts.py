"""The alerts are about metrics that exist, and come when they should, and only then."""

import re
import shutil
import subprocess

import pytest
import yaml

from charts import CHART, LEAST, ROOT, objects_of, of_kind

VALUES = LEAST | {
    "mode": "split",
    "tls": {"existingSecret": "sms-tls"},
    "serviceMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
}
PROMTOOL = shutil.which("promtool")

API = 'namespace="codes",job="sms-countersign-api-operator",pod="api-1"'
WORKER = 'namespace="codes",job="sms-countersign-worker-operator",pod="worker-1"'
OTHER = 'namespace="codes",job="another-operator",pod="other-1"'
UP = {f"up{{{API}}}": "1x120", f"up{{{WORKER}}}": "1x120"}
REQUESTS = f'http_server_request_duration_seconds_count{{{API},route="/v1/checks",status="%s"}}'
MESSAGES = f'countersign_messages_total{{{WORKER},provider="%s",outcome="%s"}}'
BREAKER = f'countersign_provider_breaker_total{{{WORKER},provider="gate",state="%s"}}'
WAITING = f"countersign_messages_waiting{{{API}}}"
LAG = f"countersign_history_lag_seconds{{{WORKER}}}"
DEAD = f"countersign_history_dead_total{{{WORKER}}}"
HEADS = f'countersign_audit_heads_back_total{{{API},reason="back"}}'
STRAYS = f"countersign_history_strays{{{WORKER}}}"
ENDS = f"countersign_certificate_expires_seconds{{{API}}}"
REFUSED = f"countersign_certificate_reload_failures_total{{{API}}}"
AVAILABLE = 'kube_deployment_status_replicas_available{namespace="codes",deployment="sms-countersign-%s"}'

# A name, series (a value each minute, as promtool writes them), the minute, and the alerts that fire then.
# The pods answer unless a case says otherwise.
CASES = [
    ("all is well", {}, 60, []),
    ("no api", {f"up{{{API}}}": "1x10 0x50"}, 20, ["CountersignDown"]),
    ("no api for a moment", {f"up{{{API}}}": "1x10 0x50"}, 12, []),
    ("the api is gone from the discovery", {f"up{{{API}}}": "1x10"}, 30, ["CountersignDown"]),
    ("one api of two", {f"up{{{API}}}": "0x60", f"up{{{API.replace('-1', '-2')}}}": "1x60"}, 60, []),
    ("no ready api", {AVAILABLE % "api": "0x60", AVAILABLE % "worker": "1x60"}, 60, ["CountersignDown"]),
    ("no worker", {f"up{{{WORKER}}}": "0x60"}, 60, ["CountersignWorkerAbsent"]),
    ("no ready worker", {AVAILABLE % "worker": "0x60"}, 60, ["CountersignWorkerAbsent"]),
    ("a tenth fails", {REQUESTS % 200: "0+90x60", REQUESTS % 503: "0+10x60"}, 60, ["CountersignErrors"]),
    ("a hundredth fails", {REQUESTS % 200: "0+99x60", REQUESTS % 503: "0+1x60"}, 60, []),
    ("wrong keys", {REQUESTS % 200: "0+1x60", REQUESTS % 401: "0+99x60"}, 60, []),
    ("only the balancer's questions fail", {(REQUESTS % 503).replace("/v1/checks", "/health/ready"): "0+10x60"}, 60, []),
    ("another service fails", {(REQUESTS % 503).replace(API, OTHER): "0+10x60"}, 60, []),
    ("ten wait, one goes a minute", {WAITING: "10x60", MESSAGES % ("gate", "accepted"): "0+1x60"}, 60, ["CountersignMessagesWait"]),
    ("ten wait, a hundred go a minute", {WAITING: "10x60", MESSAGES % ("gate", "accepted"): "0+100x60"}, 60, []),
    ("one waits, none goes", {WAITING: "1x60"}, 60, ["CountersignMessagesWait"]),
    ("none waits, none goes", {WAITING: "0x60"}, 60, []),
    ("most are refused", {MESSAGES % ("gate", "accepted"): "0+1x60", MESSAGES % ("gate", "retried"): "0+1x60", MESSAGES % ("none", "rejected"): "0+1x60"}, 60, ["CountersignMessagesFail"]),
    ("a few are refused", {MESSAGES % ("gate", "accepted"): "0+9x60", MESSAGES % ("gate", "rejected"): "0+3x60"}, 60, []),
    ("one is refused", {MESSAGES % ("gate", "rejected"): "0x30 1x30"}, 35, []),
    ("test messages hide no refusals", {MESSAGES % ("simulator", "accepted"): "0+100x60", MESSAGES % ("gate", "retried"): "0+3x60"}, 60, ["CountersignMessagesFail"]),
    ("a breaker opens for the first time", {BREAKER % "open": "_x30 1x60"}, 40, ["CountersignProviderLeftOut"]),
    ("a breaker opened an hour ago", {BREAKER % "open": "_x30 1x90"}, 90, []),
    ("a breaker opens again", {BREAKER % "open": "1x30 2x60"}, 40, ["CountersignProviderLeftOut"]),
    ("a breaker closes", {BREAKER % "open": "1x90", BREAKER % "closed": "0x30 1x60"}, 40, []),
    ("the history lags", {LAG: "900x60"}, 60, ["CountersignHistoryLags"]),
    ("the history lags a little", {LAG: "30x60"}, 60, []),
    ("a dead event", {DEAD: "0x30 1x90"}, 40, ["CountersignHistoryDead"]),
    ("a dead event before the first reading", {DEAD: "_x30 1x90"}, 40, ["CountersignHistoryDead"]),
    ("a dead event of the day before", {DEAD: "3x120"}, 110, []),
    ("a new worker without dead events", {DEAD: "_x30 0x90"}, 40, []),
    ("an audit head that went back", {HEADS: "_x30 1x90"}, 40, ["CountersignAuditHeadWrong"]),
    ("an audit head of the day before", {HEADS: "1x120"}, 110, []),
    ("strays", {STRAYS: "5x60"}, 30, ["CountersignHistoryStrays"]),
    ("no strays", {STRAYS: "0x60"}, 60, []),
    ("the certificate ends in six days", {ENDS: f"{6 * 86400}x120"}, 100, ["CountersignCertificateEnds"]),
    ("the certificate ends in eight days", {ENDS: f"{8 * 86400}x120"}, 100, []),
    ("a certificate is refused", {ENDS: "9e9x120", REFUSED: "0x30 1x90"}, 50, ["CountersignCertificateRefused"]),
    ("a certificate is refused until its key is there", {ENDS: "8e9x30 9e9x90", REFUSED: "0x30 1x90"}, 50, []),
]  # fmt: skip


def rules_of(values):
    (rule,) = of_kind(objects_of(values), "PrometheusRule")
    return rule["spec"]


def alerts_of(values):
    return {one["alert"]: one for group in rules_of(values)["groups"] for one in group["rules"]}


def test_each_metric_exists():
    """The table of the documentation has all metrics of the server."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    known = set(re.findall(r"`([a-z_]+)`", text)) | {"up", "kube_deployment_status_replicas_available"}
    for name, alert in alerts_of(VALUES).items():
        used = re.findall(r"\b([a-z_]+)\{", alert["expr"])
        assert used and {one.removesuffix("_count") for one in used} <= known, name


def test_each_series_is_of_this_release():
    """The names of a monitor's series: `job` is that of the Service."""
    objects = objects_of(VALUES)
    services = {one["metadata"]["name"] for one in of_kind(objects, "Service")}
    deployments = {one["metadata"]["name"] for one in of_kind(objects, "Deployment")}
    monitored = {f"sms-countersign-{one}-operator" for one in ("api", "worker")}
    for name, alert in alerts_of(VALUES).items():
        selectors = re.findall(r"\{([^}]*)\}", alert["expr"])
        assert all('namespace="codes"' in one for one in selectors), name
        assert all(re.search(r"\b(job|deployment)=", one) for one in selectors), name
        for job in re.findall(r'job="([^"]*)"', alert["expr"]):
            assert job in monitored & services
        for job in re.findall(r'job=~"([^"]*)"', alert["expr"]):
            assert {one for one in services if re.fullmatch(job, one)} == monitored
        for deployment in re.findall(r'deployment="([^"]*)"', alert["expr"]):
            assert deployment in deployments


def test_each_alert_says_what_to_do():
    for name, alert in alerts_of(VALUES).items():
        texts = alert["annotations"]
        assert texts.keys() == {"summary", "description"} and "http" not in "".join(texts.values()), name
        assert len(texts["summary"]) < 100 < len(texts["description"]), name
        assert (
            alert["labels"]["severity"] in ("critical", "warning") and alert["labels"]["namespace"] == "codes"
        )


def test_the_mode_decides_which_alerts_there_are():
    apart = alerts_of(VALUES).keys()
    together = alerts_of(VALUES | {"mode": "all"}).keys()
    assert apart - together == {"CountersignWorkerAbsent"}
    without = alerts_of({one: VALUES[one] for one in VALUES if one != "tls"}).keys()
    assert apart - without == {"CountersignCertificateEnds", "CountersignCertificateRefused"}


def test_the_schema_knows_each_alert():
    schema = yaml.safe_load((CHART / "values.schema.json").read_text(encoding="utf-8"))
    names = schema["properties"]["prometheusRule"]["properties"]["disabled"]["items"]["enum"]
    assert names == list(alerts_of(VALUES))
    disabled = VALUES | {"prometheusRule": {"enabled": True, "disabled": names[:2]}}
    assert list(alerts_of(disabled)) == names[2:]


def test_each_alert_has_a_case():
    assert {one for *_, alerts in CASES for one in alerts} == alerts_of(VALUES).keys()


@pytest.mark.skipif(not PROMTOOL, reason="there is no promtool (Debian's package prometheus)")
def test_alerts_fire_when_they_should(tmp_path):
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules_of(VALUES)))
    tests = [
        {
            "name": name,
            "interval": "1m",
            "input_series": [{"series": one, "values": values} for one, values in (UP | series).items()],
            "promql_expr_test": [
                {
                    "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                    "eval_time": f"{minute}m",
                    "exp_samples": [{"labels": f'{{alertname="{one}"}}', "value": 1} for one in alerts],
                }
            ],
        }
        for name, series, minute, alerts in CASES
    ]
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": tests}))
    for command in ("check", "test"):
        file = {"check": "rules.yaml", "test": "tests.yaml"}[command]
        outcome = subprocess.run(
            [PROMTOOL, command, "rules", file], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
