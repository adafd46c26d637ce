/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libmodbus at either end of the gateway.
 *
 *   libmodbus_peer device ADDRESS PORT          serves 200 of everything, values = address
 *   libmodbus_peer client ADDRESS PORT          one call of each kind, a line each
 *   libmodbus_peer flood ADDRESS PORT N         N reads of register (i mod 100), checked
 */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#define SERVED   200
#define PATIENCE 30 /* seconds, of a busy machine */

static int device(modbus_t *peer)
{
    modbus_mapping_t *mapping = modbus_mapping_new(SERVED, SERVED, SERVED, SERVED);
    for (int i = 0; i < SERVED; i++) {
        mapping->tab_bits[i] = mapping->tab_input_bits[i] = i % 3 == 0;
        mapping->tab_registers[i] = mapping->tab_input_registers[i] = (uint16_t)i;
    }
    int listener = modbus_tcp_listen(peer, 256);
    if (listener < 0)
        return 1;
    puts("ready");
    fflush(stdout);
    fd_set all;
    FD_ZERO(&all);
    FD_SET(listener, &all);
    for (int last = listener;;) {
        fd_set ready = all;
        if (select(last + 1, &ready, NULL, NULL, NULL) < 0)
            return 1;
        for (int fd = 0; fd <= last; fd++) {
            if (!FD_ISSET(fd, &ready))
                continue;
            if (fd == listener) {
                int accepted = modbus_tcp_accept(peer, &listener);
                FD_SET(accepted, &all);
                if (accepted > last)
                    last = accepted;
                continue;
            }
            uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
            modbus_set_socket(peer, fd);
            int length = modbus_receive(peer, query);
            if (length > 0) {
                modbus_reply(peer, query, length, mapping);
            } else if (length < 0) {
                close(fd);
                FD_CLR(fd, &all);
            }
        }
    }
}

static void say(const char *call, int result)
{
    printf("%s %s\n", call, result < 0 ? modbus_strerror(errno) : "ok");
}

static int client(modbus_t *peer)
{
    uint8_t bits[100] = {1, 0, 1};
    uint16_t words[100] = {150, 160};
    say("read-coils", modbus_read_bits(peer, 0, 20, bits));
    say("read-discrete-inputs", modbus_read_input_bits(peer, 0, 20, bits));
    say("read-holding-registers", modbus_read_registers(peer, 0, 100, words));
    for (int i = 0; i < 100; i++)
        if (words[i] != i && i != 2)
            printf("register %d is %d\n", i, words[i]);
    say("read-input-registers", modbus_read_input_registers(peer, 0, 50, words));
    say("write-single-coil", modbus_write_bit(peer, 1, 1));
    say("write-single-register", modbus_write_register(peer, 2, 200));
    words[0] = 150;
    words[1] = 160;
    say("write-multiple-coils", modbus_write_bits(peer, 0, 3, bits));
    say("write-multiple-registers", modbus_write_registers(peer, 50, 2, words));
    say("mask-write-register", modbus_mask_write_register(peer, 50, 0xff00, 0x0012));
    say("read-write-multiple-registers",
        modbus_write_and_read_registers(peer, 50, 2, words, 0, 10, words));
    uint8_t id[MODBUS_MAX_PDU_LENGTH];
    say("report-server-id", modbus_report_slave_id(peer, sizeof id, id));
    say("read-beyond", modbus_read_registers(peer, 100, 10, words));
    return 0;
}

static int flood(modbus_t *peer, int count)
{
    for (int i = 0; i < count; i++) {
        uint16_t word = 0;
        if (modbus_read_registers(peer, i % 100, 1, &word) != 1 || word != i % 100) {
            printf("request %d: %s, got %d\n", i, modbus_strerror(errno), word);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    modbus_t *peer = modbus_new_tcp(argv[2], atoi(argv[3]));
    modbus_set_response_timeout(peer, PATIENCE, 0);
    modbus_set_byte_timeout(peer, PATIENCE, 0);
    if (!strcmp(argv[1], "device"))
        return device(peer);
    modbus_set_slave(peer, 1);
    if (modbus_connect(peer) < 0) {
        printf("connect %s\n", modbus_strerror(errno));
        return 1;
    }
    return strcmp(argv[1], "flood") ? client(peer) : flood(peer, atoi(argv[4]));
}
