"""An SMSC for the tests of the SMPP provider: server.py '{"receipts": "tlv", ...}'

Prints a line of JSON for its port, and for each bind, submit and whole message.
  throttle  answers the first so many submits with ESME_RTHROTTLED
  receipts  "tlv" or "text": a receipt behind each response; any other text is the receipt, with
            the id for {id}
"""

import asyncio
import json
import os
import socket
import sys
import threading

import smpp34

config = json.loads(sys.argv[1] if len(sys.argv) > 1 else "{}")
messages: dict[int, dict[int, str]] = {}


def say(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def collect(submit: smpp34.SubmitSmEvent) -> None:
    tlvs = {tlv.tag: tlv for tlv in submit.tlvs}
    octets, reference, total, number = submit.short_message, 0, 1, 1
    if smpp34.TLV_SAR_TOTAL_SEGMENTS in tlvs:
        reference = tlvs[smpp34.TLV_SAR_MSG_REF_NUM].as_int()
        total = tlvs[smpp34.TLV_SAR_TOTAL_SEGMENTS].as_int()
        number = tlvs[smpp34.TLV_SAR_SEGMENT_SEQNUM].as_int()
    elif smpp34.TLV_MESSAGE_PAYLOAD in tlvs:
        octets = tlvs[smpp34.TLV_MESSAGE_PAYLOAD].value
    elif submit.esm_class & 0x40:
        reference, total, number = octets[3:6]
        octets = octets[1 + octets[0] :]
    # The letters of the tests are the same in ASCII and in GSM 03.38.
    text = octets.decode("utf-16-be" if submit.data_coding == 8 else "ascii")
    parts = messages.setdefault(reference, {})
    parts[number] = text
    if len(parts) == total:
        del messages[reference]
        say("message", text="".join(parts[one] for one in sorted(parts)), parts=total)


async def send_receipt(esme: smpp34.Esme, submit: smpp34.SubmitSmEvent, message_id: str) -> None:
    text, tlvs = b"", []
    if config["receipts"] == "tlv":
        tlvs = [
            smpp34.Tlv(smpp34.TLV_RECEIPTED_MESSAGE_ID, message_id.encode() + b"\0"),
            smpp34.Tlv(smpp34.TLV_MESSAGE_STATE, b"\x02"),
        ]
    else:
        form = config["receipts"]
        form = "stat:DELIVRD id:{id} err:000" if form == "text" else form
        text = form.replace("{id}", message_id).encode()
    response = await esme.deliver_sm(
        submit.source_addr, text, source_addr=submit.destination_addr, esm_class=4, tlvs=tlvs
    )
    say("receipt", status=response.command_status)


async def main() -> None:
    port = free_port()
    server = smpp34.Server("127.0.0.1", port, system_id="test")
    await server.start()
    say("listening", port=port)
    esmes, count, throttle = {}, 0, config.get("throttle", 0)
    while True:
        event = await server.next()
        if isinstance(event, smpp34.Esme):
            esmes[event.session_id] = event
            say("bind", system_id=event.system_id)
        elif isinstance(event, smpp34.Unbound):
            say("unbind")
        elif throttle > 0:
            throttle -= 1
            event.reject(smpp34.ESME_RTHROTTLED)
        else:
            count += 1
            message_id = f"py-{count}"
            event.accept(message_id)
            collect(event)
            if "receipts" in config:
                await send_receipt(esmes[event.session_id], event, message_id)


def end_with_the_test() -> None:
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_the_test, daemon=True).start()
asyncio.run(main())
