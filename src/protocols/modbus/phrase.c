/* SPDX-License-Identifier: BSD-2-Clause */
/* A request, whole or cut short, as a plant engineer would say it: what is to be done to what. */
#include "protocols/modbus/codec.h"
#include "util/phrase.h"

#define VALUES_SAID 3u

struct saying {
    struct phrase phrase;
    struct modbus_message message; /* zero beyond `length` */
    size_t length;
};

static void say(struct saying *saying, const char *text)
{
    phrase_text(&saying->phrase, text);
}

/* "register 4", "registers 4-7" */
static void say_range(struct saying *saying, const char *what, unsigned first, unsigned count)
{
    say(saying, what);
    say(saying, count > 1 ? "s " : " ");
    phrase_number(&saying->phrase, first);
    if (count < 2)
        return;
    say(saying, "-");
    phrase_number(&saying->phrase, (uint64_t)first + count - 1);
}

static void say_read(struct saying *saying, const char *what)
{
    say(saying, "read ");
    say_range(saying, what, saying->message.address, saying->message.quantity);
}

static void say_registers(struct saying *saying, unsigned first)
{
    const struct modbus_message *message = &saying->message;
    say(saying, "write ");
    for (unsigned i = 0; i < message->count && i < VALUES_SAID; i++) {
        if (saying->length < MODBUS_HEAD_SIZE + 2 * (i + 1))
            break;
        say(saying, i ? ", " : "");
        phrase_number(&saying->phrase, message->value.registers[i]);
    }
    say(saying, message->count > VALUES_SAID ? ", ... to " : " to ");
    say_range(saying, "register", first, message->count);
}

static void say_coils(struct saying *saying)
{
    const struct modbus_message *message = &saying->message;
    say(saying, "switch ");
    say_range(saying, "coil", message->address, message->count);
    if (saying->length <= MODBUS_HEAD_SIZE || !message->count)
        return;
    say(saying, message->count > 1 ? " (" : " ");
    for (unsigned i = 0; i < message->count && i < VALUES_SAID; i++) {
        say(saying, i ? ", " : "");
        say(saying, message->value.coils[0] >> i & 1 ? "on" : "off");
    }
    say(saying, message->count > VALUES_SAID ? ", ...)" : message->count > 1 ? ")" : "");
}

static void say_function(struct saying *saying)
{
    const struct modbus_message *message = &saying->message;
    const char *name = modbus_function_name(message->function);
    if (name) {
        say(saying, name);
    } else {
        say(saying, "function ");
        phrase_number(&saying->phrase, message->function);
    }
    if (message->function == MODBUS_DIAGNOSTICS) {
        say(saying, " ");
        phrase_number(&saying->phrase, message->subfunction);
    }
}

static void say_request(struct saying *saying)
{
    const struct modbus_message *message = &saying->message;
    switch (message->function) {
    case MODBUS_READ_COILS:
        say_read(saying, "coil");
        break;
    case MODBUS_READ_DISCRETE_INPUTS:
        say_read(saying, "discrete input");
        break;
    case MODBUS_READ_HOLDING_REGISTERS:
        say_read(saying, "holding register");
        break;
    case MODBUS_READ_INPUT_REGISTERS:
        say_read(saying, "input register");
        break;
    case MODBUS_WRITE_SINGLE_COIL:
    case MODBUS_WRITE_MULTIPLE_COILS:
        say_coils(saying);
        break;
    case MODBUS_WRITE_SINGLE_REGISTER:
    case MODBUS_WRITE_MULTIPLE_REGISTERS:
        say_registers(saying, message->address);
        break;
    case MODBUS_MASK_WRITE_REGISTER:
        say(saying, "change bits of ");
        say_range(saying, "register", message->address, 1);
        break;
    case MODBUS_READ_WRITE_MULTIPLE_REGISTERS:
        say_read(saying, "holding register");
        say(saying, " and ");
        say_registers(saying, message->write_address);
        break;
    case MODBUS_READ_FIFO_QUEUE:
        say(saying, "read the queue at ");
        say_range(saying, "register", message->address, 1);
        break;
    default:
        say_function(saying);
        break;
    }
}

void modbus_phrase(char *text, size_t size, enum sl_direction direction, const void *canonical,
                   size_t length)
{
    struct saying saying = {.phrase = phrase_start(text, size), .length = length};
    if (length < MODBUS_HEAD_SIZE)
        return;
    memcpy(&saying.message, canonical,
           length < sizeof saying.message ? length : sizeof saying.message);
    if (direction == SL_REPLY)
        say(&saying, "reply to ");
    if (saying.message.kind == MODBUS_REQUEST && direction == SL_REQUEST)
        say_request(&saying);
    else
        say_function(&saying);
    say(&saying, ", unit ");
    phrase_number(&saying.phrase, saying.message.unit);
}
