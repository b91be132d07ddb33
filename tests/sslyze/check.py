"""Asks a server for every TLS it speaks: check.py HOST PORT.

Fails if anything older than 1.2 is accepted, if 1.2 or 1.3 is not, or if a known
weakness is there.
"""

import sys

from sslyze import (
    ScanCommand,
    ScanCommandAttemptStatusEnum,
    Scanner,
    ServerNetworkLocation,
    ServerScanRequest,
    ServerScanStatusEnum,
)

OLD = ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"]
NEW = ["tls_1_2", "tls_1_3"]

# What each of the scans must not find.
WEAKNESSES = {
    ScanCommand.HEARTBLEED: lambda found: found.is_vulnerable_to_heartbleed,
    ScanCommand.OPENSSL_CCS_INJECTION: lambda found: found.is_vulnerable_to_ccs_injection,
    ScanCommand.ROBOT: lambda found: not found.robot_result.name.startswith("NOT_VULNERABLE"),
    ScanCommand.SESSION_RENEGOTIATION: lambda found: (
        found.is_vulnerable_to_client_renegotiation_dos or not found.supports_secure_renegotiation
    ),
    ScanCommand.TLS_COMPRESSION: lambda found: found.supports_compression,
}


def scan(host, port):
    commands = {ScanCommand[f"{version.upper()}_CIPHER_SUITES"] for version in OLD + NEW} | WEAKNESSES.keys()
    location = ServerNetworkLocation(hostname=host, port=port, ip_address=host)
    scanner = Scanner()
    scanner.queue_scans([ServerScanRequest(server_location=location, scan_commands=commands)])
    (server,) = scanner.get_results()
    if server.scan_status != ServerScanStatusEnum.COMPLETED:
        sys.exit(f"{host}:{port} does not speak TLS: {server.connectivity_error_trace}")
    return server.scan_result


def outcome(result, name):
    attempt = getattr(result, name)
    if attempt.status != ScanCommandAttemptStatusEnum.COMPLETED:
        sys.exit(f"{name} was not scanned: {attempt.error_reason} {attempt.error_trace}")
    return attempt.result


def main():
    result, wrong = scan(sys.argv[1], int(sys.argv[2])), 0
    for version in OLD + NEW:
        suites = [suite.cipher_suite.name for suite in outcome(result, f"{version}_cipher_suites").accepted_cipher_suites]
        good = bool(suites) == (version in NEW)
        wrong += not good
        print(f"{'ok' if good else 'WRONG':5} {version}: {', '.join(suites) or 'refused'}")
    for command, is_weak in WEAKNESSES.items():
        weak = is_weak(outcome(result, command.value))
        wrong += weak
        print(f"{'WRONG' if weak else 'ok':5} {command.value}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
