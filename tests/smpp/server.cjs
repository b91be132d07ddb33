// An SMSC for the tests of the SMPP provider: node server.cjs '{"receipts": "tlv", ...}'
//
// Prints a line of JSON for its port, and for each bind, submit and whole message.
//   bind_status  refuses each bind with this status
//   throttle     answers the first so many submits with ESME_RTHROTTLED
//   drop         ends the first connection after so many submits, without a word
//   mute         leaves the enquire_links of the first connection without an answer
//   receipts     "tlv" or "text": a receipt at once behind each response, by deliver_sm;
//                "data_tlv" or "data_text": by data_sm, the text in message_payload
//   prefix       what ids begin with
//   shout        ids in receipts in capitals
//   hex          ids in hexadecimal in responses, in decimal in receipts
//   fail         the part of a message that is undelivered
//   key, cert    TLS
'use strict';
const smpp = require('smpp');

const config = JSON.parse(process.argv[2] || '{}');
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const messages = new Map();
let connections = 0, throttled = 0, ids = 4095;

// The parts of a message, however they are numbered.
function place(pdu) {
  if (pdu.sar_total_segments) return [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum];
  const udh = (pdu.short_message && pdu.short_message.udh) || [];
  const header = udh.find((element) => element[0] === 0);
  return header ? [header[2], header[3], header[4]] : [0, 1, 1];
}

function collect(pdu, text) {
  const [reference, total, number] = place(pdu);
  const parts = messages.get(reference) || [];
  parts[number - 1] = text;
  messages.set(reference, parts);
  if (parts.filter((part) => part !== undefined).length === total) {
    messages.delete(reference);
    say({ event: 'message', text: parts.join(''), parts: total });
  }
  return number;
}

function receipt(session, pdu, id, number) {
  const failed = config.fail === number;
  const options = {
    source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4,
  };
  const [form, command] = config.receipts.startsWith('data_')
    ? [config.receipts.slice(5), 'data_sm'] : [config.receipts, 'deliver_sm'];
  if (config.shout) id = id.toUpperCase();
  if (form === 'tlv') {
    Object.assign(options, { receipted_message_id: id, message_state: failed ? 5 : 2 });
    if (command === 'deliver_sm') options.short_message = '';
  } else {
    const shown = config.hex ? String(parseInt(id, 16)).padStart(10, '0') : id;
    const text = `id:${shown} sub:001 dlvrd:001 submit date:2601311200 done date:2601311201 ` +
      `stat:${failed ? 'UNDELIV' : 'DELIVRD'} err:${failed ? '011' : '000'} text:123456 is your`;
    // In the TLV the encoder would come to data_coding after it has written it.
    Object.assign(options, command === 'data_sm' ? { message_payload: text, data_coding: 1 } : { short_message: text });
  }
  session[command](options, (response) =>
    say({ event: 'receipt', status: response.command_status, command: response.command }));
}

const tls = config.key ? { key: config.key, cert: config.cert } : {};
const server = smpp.createServer(tls, (session) => {
  const connection = ++connections;
  let submits = 0;
  session.on('error', () => session.destroy());
  session.on('bind_transceiver', (pdu) => {
    const { system_id, password, interface_version } = pdu;
    say({ event: 'bind', connection, system_id, password, interface_version });
    session.send(pdu.response({ command_status: config.bind_status || 0, system_id: 'test' }));
  });
  session.on('enquire_link', (pdu) => {
    say({ event: 'enquire_link', connection });
    if (!(config.mute && connection === 1)) session.send(pdu.response());
  });
  session.on('unbind', (pdu) => {
    say({ event: 'unbind', connection });
    session.send(pdu.response());
    session.close();
  });
  session.on('submit_sm', (pdu) => {
    submits += 1;
    const { message = '' } = pdu.message_payload || pdu.short_message;
    const { data_coding, registered_delivery, source_addr, source_addr_ton, source_addr_npi } = pdu;
    const { destination_addr, dest_addr_ton, dest_addr_npi } = pdu;
    const valid = Math.round((pdu.validity_period - Date.now()) / 1000);
    say({ event: 'submit', connection, data_coding, registered_delivery, valid, source_addr, source_addr_ton,
      source_addr_npi, destination_addr, dest_addr_ton, dest_addr_npi });
    if (config.drop && connection === 1) {
      if (submits === config.drop) session.destroy();
      return;
    }
    if (throttled < (config.throttle || 0)) {
      throttled += 1;
      session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
      return;
    }
    const id = (config.prefix || '') + (++ids).toString(config.hex ? 16 : 10).toUpperCase();
    session.send(pdu.response({ message_id: id }));
    const number = collect(pdu, message);
    if (config.receipts) receipt(session, pdu, id, number);
  });
});
server.listen(0, '127.0.0.1', () => say({ event: 'listening', port: server.address().port }));
// The test holds the other end: it ends, and so does this.
process.stdin.on('end', () => process.exit()).resume();
