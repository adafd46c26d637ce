/* SPDX-License-Identifier: BSD-2-Clause */
/* Every mistake is reported at the value that is wrong, and all of them at once. */
#include "policy_fixture.h"

/* What site_load_text says of a text; malloc'd. */
static char *said_of(const char *text, size_t length)
{
    char *said = NULL;
    size_t size;
    FILE *out = open_memstream(&said, &size);
    struct site *site = site_load_text("f", text, length, out);
    fclose(out);
    if (site) {
        site_free(site);
        free(said);
        return NULL;
    }
    return said;
}

static void expect_said(const char *text, size_t length, const char *const *lines)
{
    char *said = said_of(text, length);
    if (said == NULL) {
        print_error("%s\naccepted, expected %s\n", text, lines[0]);
        fail();
        return;
    }
    unsigned count = 0, newlines = 0;
    for (; lines[count]; count++)
        if (!strstr(said, lines[count])) {
            print_error("%s\nexpected: %s\nsaid:\n%s", text, lines[count], said);
            fail();
        }
    for (const char *c = said; *c; c++)
        newlines += *c == '\n';
    if (newlines != count) {
        print_error("%s\nexpected %u mistakes, said:\n%s", text, count, said);
        fail();
    }
    free(said);
}

#define SIDES                                                                                      \
    "gateway:\n"                                                                                   \
    "  external: { nic: ext0, address: 192.168.96.2/24 }\n"                                        \
    "  internal: { nic: int0, address: 192.168.95.1/24 }\n"
#define SERVICE                                                                                    \
    "services:\n"                                                                                  \
    "  - name: boiler\n"                                                                           \
    "    protocol: modbus-tcp\n"                                                                   \
    "    listen: 192.168.96.2:502\n"                                                               \
    "    device: 192.168.95.2:502\n"

static const struct {
    const char *text;
    const char *lines[8];
} cases[] = {
    {SIDES "\tservices: []\n", {"f:4:1: found a tab, expected spaces"}},
    {SIDES "services:\n  - { name: a, listen: 1\n",
     {"f:6:1: found the file's end, expected ',' or the '}' of a '{' (begun on line 5)"}},
    {SIDES "hosts: { a: [1.2.3.4 }\n", {"f:4:22: found '}', expected ',' or the ']' of a '['"}},
    {SIDES "services:\n  - name:a\n    protocol: b\n",
     {"found another ':', expected one key a line"}},
    {SIDES "services:\n  - name: a\n    protocol b\n    device: c\n",
     {"f:7:5: found a line without ':', expected a key, ':' and a space"}},
    {SIDES "services:\n  - name: a\n   protocol: b\n",
     {"f:6:4: found 'protocol:', expected '- ', indented as the other entries of its list"}},
    {SIDES "hosts: { a: @b }\n", {"f:4:13: found '@b', expected quotes"}},
    {SIDES "hosts: { a: \"b }\n",
     {"f:5:1: found the file's end, expected the closing quote of a text (begun on line 4)"}},
    {SIDES "hosts: { a:, b: c }\n", {"f:4:11: found ':' right after a word, expected a space"}},
    {SIDES "\"\303\244\": @b\n", {"f:4:6: found '@b', expected quotes"}},
    {"", {"f:1:1: found nothing"}},
    {"# only words\n", {"f:1:1: found nothing"}},
    {SIDES SERVICE "    device-source-port: 502\n    rules: []\n",
     {"f:9:5: found 'device-source-port' where the device is spoken to over TCP"}},
    {SIDES SERVICE "    transport: udp\n    device-source-port: 502\n    rules: []\n",
     {"f:10:5: found 'device-source-port' with more than one socket to the device, expected "
      "'connections: shared', or 'max-connections: 1'"}},
    {SIDES SERVICE "    transport: udp\n    max-connections: 1\n    device-source-port: 502\n"
                   "    rules: []\n"
                   "  - { name: b, protocol: modbus-tcp, listen: 192.168.96.2:503, transport: udp, "
                   "device: 192.168.95.2:502, connections: shared, device-source-port: 502, "
                   "rules: [] }\n",
     {"f:13:147: found '502', expected another port than that of service 'boiler' on line 5"}},
    /* which way requests run is the whole gateway's */
    {SIDES SERVICE "    clients: internal\n    rules: []\n",
     {"f:9:5: found 'clients' in a service, expected it under 'gateway': requests of all services "
      "run from the same side to the other. Services the other way need a gateway of their own"}},
    {SIDES "  clients: inside\n" SERVICE "    rules: []\n",
     {"f:4:12: found 'inside', expected clients: external or internal"}},
    {SIDES "  clients: internal\n" SERVICE "    rules: []\n",
     {"f:8:13: found '192.168.96.2:502', expected an address within the internal network "
      "192.168.95.0/24, where clients are",
      "f:9:13: found '192.168.95.2:502', expected an address within the external network "
      "192.168.96.0/24"}},
    {SIDES "  mode: one-way\n  clients: internal\nservices:\n"
           "  - { name: s, protocol: modbus-tcp, listen: 192.168.95.1, device: 192.168.96.3, "
           "rules: [] }\n",
     {"f:5:12: found 'internal', expected clients: external; in one-way mode nothing runs from the "
      "internal side to the external one"}},
    {"hello\n", {"f:1:1: found 'hello', expected a configuration: a map of gateway"}},
    {"[]\n", {"f:1:1: found a list, expected a configuration"}},
    {"gateway: {\n", {"f:2:1: "}},
    {"gateway:\n\texternal: 1\n", {"f:2:1: "}},
    {"a: b: c\n", {"f:1:5: "}},
    {SIDES, {"f:1:1: found a configuration without 'services'"}},
    {SERVICE, {"f:1:1: found a configuration without 'gateway'"}},
    {SIDES SERVICE "---\na: 1\n", {"f:9:1: found a second document"}},
    {SIDES SERVICE "extra: 1\n", {"f:9:1: found unknown key 'extra' in a configuration"}},
    {SIDES "services: []\n", {"f:4:11: found a list, expected services"}},
    {SIDES "services: {}\n", {"f:4:11: found a map, expected services"}},
    {SIDES SERVICE "hosts: 7\n", {"f:9:8: found '7', expected hosts"}},
    {SIDES SERVICE "hosts: { a: 1.2.3 }\n", {"f:9:13: found '1.2.3', expected an IPv4"}},
    {SIDES SERVICE "hosts: { a: [1.2.3.4, 1.2.3.256] }\n", {"f:9:23: found '1.2.3.256'"}},
    {SIDES SERVICE "hosts: { a: 1.2.3.4/24 }\n",
     {"expected the network's own address: 1.2.3.0/24"}},
    {SIDES SERVICE "hosts: { a: 01.2.3.4 }\n", {"f:9:13: found '01.2.3.4'"}},
    {SIDES SERVICE "hosts: { a: }\n", {"f:9:13: found nothing, expected an address"}},
    {SIDES SERVICE "hosts: { a b: 1.2.3.4 }\n", {"f:9:10: found 'a b', expected a host's name"}},
    {SIDES SERVICE "hosts: { a: 1.2.3.4, a: 1.2.3.5 }\n", {"f:9:22: found key 'a' again"}},
    {SIDES SERVICE "hosts: &all { a: 1.2.3.4 }\nx: *all\n",
     {"f:10:4: found an alias", "f:10:1: found unknown key 'x'"}},
    {SIDES SERVICE "hosts: { <<: 1.2.3.4 }\n", {"f:9:10: found '<<', expected a host's name"}},
    {SIDES SERVICE "hosts: !!map { a: 1.2.3.4 }\n", {"f:9:8: found a tag"}},
    {SIDES "  mode: both-ways\n" SERVICE,
     {"f:4:9: found 'both-ways', expected mode: two-way, one-way or monitor"}},
    {SIDES "  cpu: 99999999999999999999999\n" SERVICE, {"f:4:8: found '99999999999999999999999'"}},
    {SIDES "  cpu: -1\n" SERVICE, {"f:4:8: found '-1', expected cpu: a number from 0 to 1023"}},
    {SIDES "  outstanding: 0\n" SERVICE, {"f:4:16: found '0'"}},
    {SIDES "  outstanding: 257\n" SERVICE, {"f:4:16: found '257'"}},
    {SIDES "  sessions: 1025\n" SERVICE, {"f:4:13: found '1025'"}},
    {SIDES "  quota: [1]\n" SERVICE, {"f:4:10: found a list"}},
    {SIDES "  buffers: 100\n" SERVICE, {"f:4:12: found '100', expected buffers: a power of two"}},
    {SIDES "  merge-drivers: yes\n" SERVICE, {"f:4:18: found 'yes', expected merge-drivers"}},
    {SIDES "  audit: ''\n" SERVICE, {"f:4:10: found ''"}},
    {SIDES "  audit: { size: 50MiB }\n" SERVICE,
     {"f:4:18: found '50MiB', expected 'size' only beside a 'file' with a path"}},
    {SIDES "  audit: { file: /a, keep: 3 }\n" SERVICE,
     {"f:4:28: found '3', expected 'keep' only beside 'size'"}},
    {SIDES "  audit: { file: /a, size: 9KiB }\n" SERVICE,
     {"f:4:28: found '9KiB', expected size: at which size a new file is begun"}},
    {SIDES "  audit: { file: /a, size: 99999999999999999999GiB }\n" SERVICE,
     {"f:4:28: found '99999999999999999999GiB', expected size"}},
    {SIDES "  audit: { lines: some, interval: 1ms }\n" SERVICE,
     {"f:4:19: found 'some', expected lines: summary or each",
      "f:4:35: found '1ms', expected interval: a time of at least 1s"}},
    {SIDES "  audit: { syslog: 10.0.0.1 }\n" SERVICE,
     {"f:4:20: found '10.0.0.1', expected syslog: the receiver's socket such as /dev/log"}},
    {SIDES
     "  audit: { syslog: { to: 'udp:10.0.0.1:99999', facility: local9, host: 'a b' } }\n" SERVICE,
     {"f:4:26: found 'udp:10.0.0.1:99999', expected to: the receiver's socket",
      "f:4:58: found 'local9', expected facility: local0 to local7",
      "f:4:72: found 'a b', expected host"}},
    {SIDES "  extrenal: 1\n" SERVICE, {"f:4:3: found unknown key 'extrenal'"}},
    {"gateway:\n  external: { nic: averyveryverylongname, address: 1.2.3.4, mac: 01:00:00:00:00:01,"
     " gateway: x }\n  internal: 7\n" SERVICE,
     {"f:2:20: found 'averyveryverylongname'", "f:2:52: found '1.2.3.4', expected address",
      "f:2:66: found '01:00:00:00:00:01', expected the address of one station",
      "f:2:94: found 'x', expected gateway", "f:3:13: found '7', expected internal: a map"}},
    {"gateway:\n  external: { nic: a, address: 10.0.0.0/24 }\n"
     "  internal: { nic: a, address: 10.0.1.255/24, gateway: 10.0.2.1 }\n"
     "services: [ { name: x, protocol: modbus-tcp, listen: 10.0.0.1, device: 10.0.1.1 } ]\n",
     {"f:2:32: found '10.0.0.0/24', expected an address of the gateway's own, not that of the net",
      "f:3:32: found '10.0.1.255/24', expected an address of the gateway's own",
      "f:3:20: found 'a', expected another interface than the other side's"}},
    {"gateway:\n  internal: { nic: eth0, address: 192.168.95.1/24 }\n"
     "  external: { address: 192.168.96.2/24, nic: eth0 }\n" SERVICE,
     {"f:3:46: found 'eth0', expected another interface"}},
    {SIDES "  quota: 193\n" SERVICE, {"f:4:10: found '193', expected quota: at most 'outs"}},
    {SIDES "  quota: 9\n  outstanding: 8\n" SERVICE,
     {"f:4:10: found '9', expected quota: at most 'outstanding', 8"}},
    {SIDES "  mode: one-way\n  one-way-poll: 0.01ms\n" SERVICE,
     {"f:5:17: found '0.01ms', expected one-way-poll: a time from 0.05ms to 100ms"}},
    {SIDES "  one-way-poll: 1ms\n" SERVICE,
     {"f:4:17: found '1ms', expected it only with 'mode: one-way'"}},
    {SIDES "  sessions: 1025\n" SERVICE,
     {"f:4:13: found '1025', expected sessions: a number from 1"}},
    {SIDES "hosts: { a: [192.168.96.2, 10.0.0.1], b: 192.168.95.1, c: 192.168.96.0/24 }\n" SERVICE,
     {"f:4:14: found '192.168.96.2', expected a host's address, not the gateway's own",
      "f:4:42: found '192.168.95.1', expected a host's address"}},
#define AT(listen, device)                                                                         \
    SIDES "hosts: { hmi: 192.168.96.10, all: 192.168.96.0/24 }\n"                                  \
          "services:\n  - { name: a, protocol: modbus-tcp, listen: " listen ", device: " device    \
          " }\n"
    {AT("192.168.96.0:502", "192.168.95.2"),
     {"f:6:46: found '192.168.96.0:502', expected an address of the gateway's own, not that of the "
      "network\n"}},
    {AT("192.168.96.255", "192.168.95.2"),
     {"f:6:46: found '192.168.96.255', expected an address of the gateway's own, not that of the "
      "network's broadcast"}},
    {AT("192.168.96.10", "192.168.95.2"),
     {"f:6:46: found '192.168.96.10', expected an address of the gateway's own: host 'hmi' on line "
      "4 has this one"}},
    {AT("192.168.96.3", "192.168.95.0"),
     {"f:6:68: found '192.168.95.0', expected the device's address, not that of the network\n"}},
    {AT("192.168.96.3", "192.168.95.255:502"),
     {"f:6:68: found '192.168.95.255:502', expected the device's address, not that of the "
      "network's "
      "broadcast"}},
    /* a byte order mark is no column */
    {"\xef\xbb\xbf"
     "extra: 1\n" SIDES SERVICE,
     {"f:1:1: found unknown key 'extra'"}},
    {"\xef\xbb\xbf"
     "gateway: 7\n" SERVICE,
     {"f:1:10: found '7', expected gateway"}},
    {"\xef\xbb\xbf"
     "a: \xff\n",
     {"f:1:4: found byte 0xff"}},

    {SIDES "services:\n  - {}\n",
     {"f:5:5: found a service without 'name'", "f:5:5: found a service without 'protocol'",
      "f:5:5: found a service without 'listen'", "f:5:5: found a service without 'device'"}},
    {SIDES SERVICE "    timeout: 5\n", {"f:9:14: found '5', expected timeout: a time"}},
    {SIDES SERVICE "    timeout: 11min\n", {"f:9:14: found '11min'"}},
    {SIDES SERVICE "    pipeline: 0\n", {"f:9:15: found '0', expected pipeline: a number"}},
    {SIDES SERVICE "    adress: 5\n", {"f:9:5: found unknown key 'adress' in a service"}},
    {SIDES "services:\n  - { name: boiler, protocol: dnp3, listen: 192.168.97.2:502,"
           " device: 192.168.94.2:502 }\n",
     {"f:5:5: found a service of protocol dnp3 without 'stations', expected it",
      "f:5:45: found '192.168.97.2:502', expected an address within the external network "
      "192.168.96.0/24",
      "f:5:71: found '192.168.94.2:502', expected an address within the internal network "
      "192.168.95.0/24, or a 'gateway'"}},
    {SIDES "services:\n  - { name: boiler, protocol: dnp, listen: 192.168.96.2:502,"
           " device: 192.168.95.2:502, stations: [] }\n",
     {"f:5:31: found 'dnp', expected a protocol: modbus-tcp, dnp3; did you mean 'dnp3'?"}},
    {SIDES SERVICE "    noise: skip\n",
     {"f:9:5: found 'noise' in a service of protocol modbus-tcp, expected it only where the "
      "protocol is dnp3"}},
    {SIDES "services:\n  - { name: a, protocol: modbus-tcp, listen: 192.168.96.2:0,"
           " device: 192.168.95.1 }\n",
     {"f:5:46: found '192.168.96.2:0', expected listen",
      "f:5:70: found '192.168.95.1', expected the"
      " device's address"}},
    {SIDES SERVICE "  - name: boiler\n    protocol: modbus-tcp\n    listen: 192.168.96.2\n"
                   "    device: 192.168.95.2\n",
     {"f:9:11: found 'boiler', expected a name of its own: the service on line 5",
      "f:11:13: found '192.168.96.2', expected an address and port of its own"}},
    {SIDES SERVICE "    rules: 7\n", {"f:9:12: found '7', expected rules: a list"}},
    {SIDES SERVICE "    opaque: 7\n", {"f:9:13: found '7', expected opaque: a list"}},
    {SIDES SERVICE "    opaque:\n      - { function: 3, length: 1 }\n"
                   "      - { function: 128, length: 1, direction: up }\n"
                   "      - { function: 90, length: 0-253 }\n"
                   "      - { function: 90, length: 1, bytes: 0102 }\n"
                   "      - { function: 90, length: 1, bytes: 0x }\n",
     {"f:10:21: found '3', expected a function that the gateway does not understand itself",
      "f:11:21: found '128', expected function", "f:11:48: found 'up', expected direction",
      "f:12:33: found '0-253', expected length", "f:13:43: found '0102', expected no more bytes",
      "f:14:43: found '0x', expected bytes"}},
    {SIDES SERVICE "    opaque:\n      - { function: 90, length: 1 }\n"
                   "      - { function: 90, length: 2, direction: reply }\n",
     {"f:11:21: found '90', expected one entry for each function and direction"}},
#define RULE(text) SIDES SERVICE "    rules:\n      - " text "\n"
    {RULE("7"), {"f:10:9: found '7', expected a rule: a map"}},
    {RULE("{}"), {"f:10:9: found a rule without 'allow' or 'deny'"}},
    {RULE("{ allow: 3, deny: 4 }"), {"f:10:21: found 'allow' and 'deny'"}},
    {RULE("{ allow: [] }"), {"f:10:18: found an empty list"}},
    {RULE("{ allow: [3, [4]] }"), {"f:10:22: found a list"}},
    {RULE("{ allow: {a: b} }"), {"f:10:18: found a map"}},
    {RULE("{ allow: 9 }"), {"f:10:18: found '9', expected a function"}},
    {RULE("{ allow: 90 }"), {"f:10:18: found '90', expected a function"}},
    {RULE("{ allow: 256 }"), {"f:10:18: found '256'"}},
    {RULE("{ allow: 03 }"), {"f:10:18: found '03'"}},
    {RULE("{ allow: read-holding-register }"), {"did you mean 'read-holding-registers'?"}},
    {RULE("{ allow: 3, form: hmi }"), {"f:10:21: found unknown key 'form' in a rule"}},
    {RULE("{ allow: 3, from: hmi }"), {"f:10:27: found 'hmi', expected a name under 'hosts'"}},
    {RULE("{ allow: 3, from: [10.0.0.1, 10.0.0.1/8] }"), {"f:10:38: found '10.0.0.1/8'"}},
    {RULE("{ allow: 3, unit: 256 }"), {"f:10:27: found '256', expected unit"}},
    {RULE("{ allow: 3, unit: [1, 2, x] }"), {"f:10:34: found 'x', expected unit"}},
    {RULE("{ allow: 3, address: 65536 }"), {"f:10:30: found '65536', expected address"}},
    {RULE("{ allow: 3, address: 9-5 }"), {"expected the lower number first: 5-9"}},
    {RULE("{ allow: 3, address: 1- }"), {"f:10:30: found '1-'"}},
    {RULE("{ allow: 3, address: \"\" }"), {"f:10:30: found ''"}},
    {RULE("{ allow: 3, value: 5 }"), {"f:10:21: found 'value' in a rule for '3'"}},
    {RULE("{ allow: 7, address: 5 }"), {"f:10:21: found 'address' in a rule for '7'"}},
    {RULE("{ allow: [read, diagnostic], address: 5 }"), {"in a rule for 'diagnostic'"}},
    {RULE("{ allow: 8, file: 5 }"), {"f:10:21: found 'file' in a rule for '8'"}},
    {RULE("{ allow: 20, subfunction: 5 }"), {"f:10:22: found 'subfunction' in a rule for '20'"}},
    {RULE("{ allow: 20, file: 0 }"), {"f:10:28: found '0', expected file"}},
    {RULE("{ allow: 20, record: 10000 }"), {"f:10:30: found '10000', expected record"}},
    {RULE("{ allow: 43, mei: 15 }"), {"f:10:27: found '15', expected mei"}},
    {RULE("{ allow: 6, value: 65536 }"), {"f:10:28: found '65536', expected value: uint16"}},
    {RULE("{ allow: 6, value: -1 }"), {"f:10:28: found '-1', expected value: uint16"}},
    {RULE("{ allow: 6, value: 1.5 }"), {"f:10:28: found '1.5'"}},
    {RULE("{ allow: 6, value: on }"), {"f:10:28: found 'on', expected value: uint16"}},
    {RULE("{ allow: 6, value: 7-5 }"), {"f:10:28: found '7-5', expected the lower value"}},
    {RULE("{ allow: 6, value: 32768, type: int16 }"),
     {"f:10:28: found '32768', expected value: in"}},
    {RULE("{ allow: 6, value: -32769, type: int16 }"), {"f:10:28: found '-32769'"}},
    {RULE("{ allow: 16, address: 1-2, value: nan, type: float32 }"), {"f:10:43: found 'nan'"}},
    {RULE("{ allow: 16, address: 1-2, value: 1e99, type: float32 }"),
     {"f:10:43: found '1e99', too large"}},
    {RULE("{ allow: 16, address: 1-2, value: 1e39, type: float32 }"),
     {"f:10:43: found '1e39', too large for a float32, expected value: within -3.4028235e38 and"}},
    {RULE("{ allow: 16, address: 1-2, value: -1e39-5, type: float32 }"),
     {"f:10:43: found '-1e39-5', too large for a float32"}},
    {RULE("{ allow: 16, address: 1-2, value: 5-1e39, type: float32 }"),
     {"f:10:43: found '5-1e39', too large for a float32"}},
    {RULE("{ allow: 16, address: 1-2, value: 5e, type: float32 }"),
     {"f:10:43: found '5e', expected value: float32, a number"}},
    {RULE("{ allow: 6, value: 1, type: uint8 }"), {"f:10:37: found 'uint8', expected type"}},
    {RULE("{ allow: 6, type: int16 }"), {"f:10:21: found 'type' without 'value'"}},
    {RULE("{ allow: 6, value: 1, word-order: big }"), {"f:10:43: found 'big', expected no word"}},
    {RULE("{ allow: 16, address: 1, value: 1, type: int32 }"),
     {"f:10:31: found '1', expected an ev"}},
    {RULE("{ allow: 5, value: 2 }"), {"f:10:28: found '2', expected value: on, off"}},
    {RULE("{ allow: 5, value: on, type: int16 }"), {"f:10:38: found 'int16', expected no type"}},
    {RULE("{ allow: [5, 6], value: 1 }"), {"f:10:26: found 'value' in a rule for coils and reg"}},
    {RULE("{ allow: 6, address: 0-1, value: 5, type: uint32 }"),
     {"f:10:51: found 'uint32', expected a type of 16 bits, or function 16: a rule with these "
      "values for function 6, which writes half of a uint32, lets nothing pass"}},
    {RULE("{ allow: [6, 22], address: 0-1, value: 5, type: float32 }"),
     {"f:10:57: found 'float32', expected a type of 16 bits, or function 16: a rule with these "
      "values for function 6, which writes half of a float32, or function 22, whose result only"}},
    {RULE("{ allow: 22, address: 4, value: 0-9 }"),
     {"f:10:41: found '0-9', expected no 'value': a rule with these values for function 22, whose "
      "result only the device knows, lets nothing pass"}},
    {RULE("{ allow: 3, name: a/b }"), {"f:10:27: found 'a/b', expected a rule's name"}},
    {RULE("{ allow: 3, name: a }\n      - { allow: 4, name: a }"),
     {"f:11:27: found 'a', expected a name of its own: the rule on line 10"}},
    {RULE("{ allow: 3 }\n      - { allow: 3 }"),
     {"f:11:9: found rule 'boiler/rule-2', all of which rule 'boiler/rule-1' on line 10 allows"}},
    {RULE("{ allow: write, address: 0-9 }\n      - { name: s, allow: 6, address: 2, value: 1 }"),
     {"f:11:9: found rule 's', whose limit on values is void as rule 'boiler/rule-1' on line 10"}},
    {RULE("{ name: s, allow: 6, address: 2, value: 1 }\n      - { allow: write, address: 0-9 }"),
     {"f:10:9: found rule 's', whose limit on values is void as rule 'boiler/rule-2' on line 11"}},
    {RULE("{ allow: 6, address: 2, value: 5 }\n      - { allow: 6, address: 0-9, value: 0-9 }"),
     {"f:10:9: found rule 'boiler/rule-1', all of which rule 'boiler/rule-2' on line 11 allows"}},
    {RULE("{ deny: read, address: 0-9 }\n      - { allow: 3, address: 2-5 }"),
     {"f:11:9: found rule 'boiler/rule-2', all of which rule 'boiler/rule-1' on line 10 denies"}},
};

static void test_each_mistake_at_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_said(cases[i].text, strlen(cases[i].text), cases[i].lines);
}

static void test_mistakes_everywhere_are_reported_at_once(void **state)
{
    (void)state;
    static const char text[] = "gateway:\n"
                               "  external: { nic: ext0, address: 192.168.96.2/24 }\n"
                               "  internal: { nic: int0, address: 192.168.95.1/33 }\n"
                               "hosts: { hmi: 192.168.96.300 }\n"
                               "services:\n"
                               "  - name: boiler\n"
                               "    protocol: modbus\n"
                               "    listen: 192.168.96.2:502\n"
                               "    device: 192.168.95.2:502\n"
                               "    rules:\n"
                               "      - { allow: read, unit: 999 }\n"
                               "      - { allow: red }\n";
    expect_said(
        text, strlen(text),
        (const char *const[]){"f:3:35: ", "f:4:15: ", "f:7:15: ", "f:11:30: ", "f:12:18: ", NULL});
}

/* What is at the edge of a network, and what is not. */
static void test_addresses_that_are_stations(void **state)
{
    (void)state;
    static const char *const good[] = {
        AT("192.168.96.1", "192.168.95.254"),
        "gateway:\n  external: { nic: a, address: 10.0.0.0/31 }\n"
        "  internal: { nic: b, address: 10.0.1.1/31, gateway: 10.0.1.0 }\n  outstanding: 4\n"
        "services: [ { name: x, protocol: modbus-tcp, listen: 10.0.0.1, device: 10.9.9.0 } ]\n",
        "\xef\xbb\xbf" AT("192.168.96.2", "192.168.95.2"),
        /* put into the cable between a client and its device */
        "gateway:\n  external: { nic: a, address: 10.0.0.2/24 }\n"
        "  internal: { nic: b, address: 10.0.0.10/24 }\nhosts: { hmi: 10.0.0.10 }\n"
        "services: [ { name: x, protocol: modbus-tcp, listen: 10.0.0.2, device: 10.0.0.2 } ]\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct site *site = site_load_text("f", good[i], strlen(good[i]), stderr);
        assert_non_null(site);
        assert_int_equal(site->quota, i == 1 ? 4 : 16); /* never more than can be under way */
        site_free(site);
    }
}

static void test_files_that_are_no_text(void **state)
{
    (void)state;
    expect_said("gateway: \xff\n", 11,
                (const char *const[]){"f:1:10: found byte 0xff, expected text in UTF-8", NULL});
    expect_said("a\n\xc3\xa4\xc3\n", 7,
                (const char *const[]){"f:2:2: found byte 0xc3, expected text", NULL});
    expect_said("\xed\xa0\x80", 3, (const char *const[]){"f:1:1: found byte 0xed", NULL});
    expect_said("\xff\xfe"
                "a\0",
                4, (const char *const[]){"f:1:1: found byte 0xff", NULL});
    expect_said("a: b\n\0c", 7,
                (const char *const[]){"f:2:1: found control character 0x00, expected text", NULL});
    expect_said("\x7f"
                "ELF\x02\x01",
                6, (const char *const[]){"f:1:1: found control character 0x7f", NULL});
    expect_said("hosts: \"a\\0b\"\n", 14,
                (const char *const[]){"f:1:8: found a character 0 in a value", NULL});
}

static void test_files_too_deep_and_too_large(void **state)
{
    (void)state;
    static char text[(16 << 20) + 64];
    memset(text, '[', 100000);
    expect_said(text, 100000,
                (const char *const[]){"f:1:17: found lists and maps in each other 17 deep", NULL});
    memset(text, ' ', sizeof text);
    expect_said(text, sizeof text,
                (const char *const[]){"f:1:1: found a file of more than 16 MiB", NULL});
    size_t used = 0;
    while (used < (4u << 20))
        used += (size_t)sprintf(text + used, "- a\n");
    expect_said(text, used,
                (const char *const[]){"found more than 1000000 values, expected a smaller", NULL});
}

/* What site_explain says of a site with these rules; malloc'd. */
static char *explained(const char *rules)
{
    char *text = NULL, *said = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, "%shosts: { hmi: 192.168.96.10 }\n%s    rules:\n%s", SIDES, SERVICE, rules);
    fclose(out);
    struct site *site = site_load_text("f", text, size, stderr);
    assert_non_null(site);
    out = open_memstream(&said, &size);
    site_explain(site, out);
    fclose(out);
    site_free(site);
    free(text);
    return said;
}

static void test_a_limit_void_in_part_is_a_warning(void **state)
{
    (void)state;
    static const char warning[] = "f:12:9: warning: some of what rule 'narrow' limits by value, "
                                  "rule 'wide' on line 11 allows without that limit";
    static const struct {
        const char *rules;
        bool warns;
    } ways[] = {
        {"      - { name: wide, allow: write, from: hmi, address: 0-3 }\n"
         "      - { name: narrow, allow: 6, address: 2-3, value: 1-2 }\n",
         true},
        {"      - { name: wide, allow: write, address: 0-2 }\n"
         "      - { name: narrow, allow: 6, address: 2-3, value: 1-2 }\n",
         true},
        {"      - { name: wide, allow: write, unit: 3, address: 0-9 }\n"
         "      - { name: narrow, allow: 6, unit: 2-3, address: 2-3, value: 1-2 }\n",
         true},
        {"      - { name: wide, allow: write, address: 0-1 }\n"
         "      - { name: narrow, allow: 6, address: 2-3, value: 1-2 }\n",
         false},
        {"      - { name: wide, allow: 16, address: 0-9 }\n"
         "      - { name: narrow, allow: 6, address: 2-3, value: 1-2 }\n",
         false},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char *said = explained(ways[i].rules);
        assert_int_equal(strstr(said, warning) != NULL, ways[i].warns);
        free(said);
    }
}

static void expect_explained(const char *rules, const char *const *lines)
{
    char *said = explained(rules);
    for (size_t i = 0; lines[i]; i++)
        if (!strstr(said, lines[i])) {
            print_error("expected: %s\nsaid:\n%s", lines[i], said);
            fail();
        }
    free(said);
}

static void test_sentences(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "boiler: modbus-tcp, clients at 192.168.96.2:502, device at 192.168.95.2:502",
        "hmi (192.168.96.10) may read coils, inputs, registers and FIFO queues 0-99 of unit 1 "
        "[boiler/rule-1, line 11];",
        "hmi (192.168.96.10) may write register 2 (function 6) of unit 1 with values 150 to 250 "
        "[s, line 12];",
        "any client may write registers 8-9 (function 16) of units 3-4 and 9 with values -1.5 to 2 "
        "(float32, high word first) [f, ",
        "10.0.0.0/8 may not write coils and registers at any address or write any record of any "
        "file of any unit [n, ",
        "everything else is denied",
        "rule 'd' allows function 8, sub-function 1: a client may restart",
        "rule 'd' allows function 8, sub-function 4: a client may make a device listen only",
        "content not understood: f:16: rule 'c' allows function 43, type 13",
        NULL};
    expect_explained(
        "      - { allow: read, from: hmi, unit: 1, address: 0-99 }\n"
        "      - { name: s, allow: 6, from: hmi, unit: 1, address: 2, value: 150-250 }\n"
        "      - { name: f, allow: 16, unit: [3-4, 9], address: 8-9, value: -1.5-2, "
        "type: float32 }\n"
        "      - { name: n, deny: write, from: 10.0.0.0/8 }\n"
        "      - { name: d, allow: 8, subfunction: 0-4 }\n"
        "      - { name: c, allow: 43 }\n",
        lines);
}

static void test_sentences_count_one_and_many(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *said;
    } rules[] = {
        {"allow: read, address: 5", "read coil, input, register and FIFO queue 5 of any unit ["},
        {"allow: 3, address: 5, unit: 7", "read holding register 5 of unit 7 ["},
        {"allow: [3, 4], address: [5, 9, 20-29]",
         "read holding and input registers 5, 9 and 20-29 of any unit ["},
        {"allow: 5, address: 0", "write coil 0 (function 5) of any unit ["},
        {"allow: 5, address: 0-3, value: on", "write coils 0-3 (function 5) of any unit with value "
                                              "on ["},
        {"allow: [5, 15], address: 0, value: [on, off]", "write coil 0 of any unit with value on "
                                                         "or off ["},
        {"allow: 16, address: 5, value: [1, 5, 7-9]",
         "write register 5 (function 16) of any unit with values 1, 5 or 7 to 9 ["},
        {"allow: [6, 16]", "write registers at any address (functions 6 and 16) of any unit ["},
        {"allow: 20, file: 4", "read any record of file 4 of any unit ["},
        {"allow: 21, file: [4, 6], record: 0", "write record 0 of files 4 and 6 of any unit ["},
        {"allow: 8, subfunction: 0", "use diagnostics (function 8) sub-function 0 of any unit ["},
        {"allow: 8, subfunction: [0, 2]", "(function 8) sub-functions 0 and 2 of any unit ["},
        {"allow: 7, from: [hmi, 10.0.0.1, 10.2.0.0/16]",
         "hmi (192.168.96.10), 10.0.0.1 and 10.2.0.0/16 may read the exception status of any "},
        {"allow: 23, address: 0-1, value: 5",
         "read registers 0-1 (function 23) of any unit and write registers 0-1 (function 23) of "
         "any unit with value 5 ["},
        {"allow: [1, 7]", "read coils at any address and read the exception status of any unit ["},
        {"deny: [1, 7]", "not read coils at any address or read the exception status of any unit"},
        {"deny: 6, address: 1, value: 5",
         "may not write register 1 (function 6) of any unit with value 5 ["},
        {"deny: 22, address: 1, value: 5",
         "may not mask-write register 1 of any unit, whatever the value ["},
        {"deny: write, address: 0-1, value: 5, type: uint32",
         "may not write registers 0-1 (functions 16 and 23) of any unit with value 5 (uint32, high "
         "word first), nor half of a value, nor write registers 0-1 (function 6) or mask-write "
         "registers 0-1 of any unit, whatever the value ["},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "      - { %s }\n", rules[i].rule);
        expect_explained(text, (const char *const[]){rules[i].said, NULL});
    }
}

/* What a value's type keeps a function from is neither said nor passed over in silence. */
static void test_functions_that_a_value_leaves_out(void **state)
{
    (void)state;
    expect_explained(
        "      - { name: a, allow: [6, 16], address: 0-1, value: 5, type: uint32 }\n"
        "      - { name: b, allow: write, address: 3, value: 5 }\n"
        "      - { name: c, allow: write, address: 5-6, value: 5, type: int32 }\n"
        "      - { name: d, allow: [6, 22], address: 8, value: 5 }\n",
        (const char *const[]){
            "may write registers 0-1 (function 16) of any unit with value 5 (uint32, high word "
            "first) [a, ",
            "may write register 3 (functions 6, 16 and 23) of any unit with value 5 [b, ",
            "may write registers 5-6 (functions 16 and 23) of any unit with value 5 (int32, high ",
            "may write register 8 (function 6) of any unit with value 5 [d, ",
            "f:11:66: warning: for its values rule 'a' lets nothing pass by function 6, which "
            "writes half of a uint32\n",
            "f:12:53: warning: for its values rule 'b' lets nothing pass by function 22, whose "
            "result only the device knows\n",
            "f:13:64: warning: for its values rule 'c' lets nothing pass by function 6, which "
            "writes half of an int32, or function 22, whose",
            "f:14:55: warning: for its values rule 'd' lets nothing pass by function 22", NULL});
}

static void test_a_deny_rule_in_the_shadow_of_another_is_a_warning(void **state)
{
    (void)state;
    static const char warning[] = "f:12:9: warning: all that rule 'narrow' denies, rule 'wide' on "
                                  "line 13 denies already";
    static const struct {
        const char *narrow, *wide;
        bool warns;
    } ways[] = {
        {"deny: read, from: hmi, unit: 1, address: 5", "deny: read, from: hmi, address: 0-9", true},
        {"deny: 3, address: [1, 5-6]", "deny: [read, write], address: 0-99", true},
        {"deny: write, address: 5, value: 7", "deny: write, address: 5", true},
        {"deny: read, address: 5-10", "deny: read, address: 0-9", false},
        {"deny: read, address: 5", "deny: read, address: 5, from: hmi", false},
        {"deny: write, address: 5", "deny: write, address: 5, value: 7", false},
        {"deny: read, address: 5",
         "deny: read, address: 5, when: { hours: 06:00-07:00, zone: UTC }", false},
        {"deny: read, address: 5", "deny: read, address: 5, expires: 2020-01-01", false},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char rules[512];
        snprintf(rules, sizeof rules,
                 "      - { name: all, allow: [read, write] }\n      - { name: narrow, %s }\n"
                 "      - { name: wide, %s }\n",
                 ways[i].narrow, ways[i].wide);
        char *said = explained(rules);
        assert_int_equal(strstr(said, warning) != NULL, ways[i].warns);
        free(said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mistake_at_its_place),
        cmocka_unit_test(test_mistakes_everywhere_are_reported_at_once),
        cmocka_unit_test(test_addresses_that_are_stations),
        cmocka_unit_test(test_files_that_are_no_text),
        cmocka_unit_test(test_files_too_deep_and_too_large),
        cmocka_unit_test(test_a_limit_void_in_part_is_a_warning),
        cmocka_unit_test(test_a_deny_rule_in_the_shadow_of_another_is_a_warning),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_sentences_count_one_and_many),
        cmocka_unit_test(test_functions_that_a_value_leaves_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
