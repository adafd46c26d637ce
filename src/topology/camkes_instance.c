/* SPDX-License-Identifier: BSD-2-Clause */
/* Each instance's glue (hosts/camkes/instance.h), and which sources make it. */
#include <inttypes.h>
#include <string.h>

#include "hosts/camkes/instance.h"
#include "topology/camkes.h"

struct program {
    const char *name;    /* of its struct sl_component, without _component */
    const char *library; /* with lwIP, or without */
    const char *sources; /* its own, where the library has them not */
    bool lowered;        /* its state is smaller on this host, and in a header of its name */
    bool link;           /* which ends with `link`, for services with a link layer */
};
static const struct program programs[] = {
    [PROGRAM_NIC_DRV] = {"nic_drv", "sluice_core", "", false, false},
    [PROGRAM_EXT_FRONTEND] = {"ext_frontend", "sluice_net", " ${SLUICE_EXT_FRONTEND}", true, true},
    [PROGRAM_INT_FRONTEND] = {"int_frontend", "sluice_net", " ${SLUICE_INT_FRONTEND}", true, true},
    [PROGRAM_PARSER_NORM] = {"parser_norm", "sluice_core", "", false, false},
    [PROGRAM_POLICY_EMIT] = {"policy_emit", "sluice_core", "", true, true},
    [PROGRAM_MONITOR] = {"monitor", "sluice_core", "", true, false},
    [PROGRAM_SOURCE] = {"source", "sluice_core", "", false, false},
    [PROGRAM_STREAM_FRONTEND] = {"stream_frontend", "sluice_core", "", false, false},
    [PROGRAM_SINK] = {"sink", "sluice_core", "", false, false},
};

static const struct topology_component *component_of(const struct camkes_system *system,
                                                     unsigned instance)
{
    uint8_t component = system->instance[instance].component;
    return component == CAMKES_NO_COMPONENT ? NULL : &system->topology->component[component];
}

static void write_bytes(const char *name, const void *bytes, size_t size, FILE *out)
{
    const uint8_t *byte = bytes;
    fprintf(out, "%s[%zu] __attribute__((aligned(16))) = {", name, size);
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%s0x%02x,", i % 16 == 0 ? "\n    " : " ", byte[i]);
    fputs("\n};\n", out);
}

/* The component's own part, with the addresses that no one else will fill in here. */
static uint32_t component_config(const struct camkes_system *system, unsigned instance,
                                 uint8_t config[SL_CONFIG_MAX])
{
    const struct topology_component *place = component_of(system, instance);
    uint32_t size = topology_config(system->site, system->topology,
                                    system->instance[instance].component, config);
    uint8_t mac[6] = {0};
    if (place->side != SL_SIDE_CORE)
        microkit_mac(system->site, place->side, mac);
    if (place->program == PROGRAM_NIC_DRV)
        memcpy(((struct sl_nic_config *)(void *)config)->mac, mac, sizeof mac);
    if (place->program == PROGRAM_EXT_FRONTEND || place->program == PROGRAM_INT_FRONTEND)
        memcpy(((struct sl_frontend_config *)(void *)config)->mac, mac, sizeof mac);
    return size;
}

static void write_ports(const struct camkes_system *system, unsigned instance, FILE *out)
{
    uint8_t component = system->instance[instance].component;
    fputs("    for (unsigned i = 0; i < SL_MAX_PORTS; i++)\n"
          "        instance->port[i].channel = SL_NO_CHANNEL;\n",
          out);
    for (unsigned i = 0; i < system->region_count; i++)
        for (unsigned end = 0; end < 2; end++) {
            const struct camkes_region *region = &system->region[i];
            if (region->use != CAMKES_LINK || region->end[end] != instance)
                continue;
            unsigned port = region->port[end];
            fprintf(out,
                    "    instance->port[%u].region[%u] = %s;\n"
                    "    instance->port[%u].size[%u] = %" PRIu32 ";\n"
                    "    instance->port[%u].channel = %u;\n",
                    port, region->part, region->name, port, region->part, region->size, port,
                    topology_port_channel(system->topology, component, port));
        }
}

static void write_other(const char *name, const char *member, const char *value, FILE *out)
{
    fprintf(out,
            "    instance->other[instance->other_count].name = \"%s\";\n"
            "    instance->other[instance->other_count++].%s = %s;\n",
            name, member, value);
}

/* Pages that are no part of a link: this instance's own, and those of others. */
static void write_pages(const struct camkes_system *system, unsigned instance, FILE *out)
{
    for (unsigned i = 0; i < system->region_count; i++) {
        const struct camkes_region *region = &system->region[i];
        if (region->use == CAMKES_SEED && region->end[1] == instance)
            fprintf(out, "    instance->seed = %s;\n", region->name);
        if (region->use == CAMKES_MEASURE && region->end[0] == instance)
            fprintf(out, "    instance->measure = %s;\n", region->name);
        if (region->use == CAMKES_LIFE) { /* the supervisor's: write_supervision */
            if (region->end[0] == instance)
                fprintf(out, "    instance->life = %s;\n", region->name);
            continue;
        }
        /* the entropy component's seeds, what the others measured for the monitor */
        unsigned theirs = region->use == CAMKES_SEED ? 1 : 0;
        if (region->use != CAMKES_LINK && region->end[!theirs] == instance)
            write_other(system->instance[region->end[theirs]].name, "page", region->name, out);
    }
}

static const char *part_of(const struct camkes_system *system, unsigned instance)
{
    const struct topology_component *component = component_of(system, instance);
    if (!component || system->topology->mode == SL_TWO_WAY)
        return "INSTANCE_WHOLE";
    if (component->program == PROGRAM_MONITOR)
        return "INSTANCE_MONITOR";
    return component->side == SL_SIDE_INT ? "INSTANCE_INTERNAL" : "INSTANCE_WHOLE";
}

/* All the others, in the order of their badges. */
static void write_supervision(const struct camkes_system *system, unsigned instance,
                              const uint8_t policy_hash[8], FILE *out)
{
    if (system->instance[instance].kind != CAMKES_SUPERVISOR)
        return;
    fputs("    instance->faults = faults_endpoint();\n"
          "    instance->fault_reply = faults_reply();\n",
          out);
    for (unsigned i = 0; i < instance; i++) {
        char thread[32];
        snprintf(thread, sizeof thread, "faults_thread(%u)", i + 1);
        fprintf(out, "    instance->other[%u].part = %s;\n", i, part_of(system, i));
        write_other(system->instance[i].name, "thread", thread, out);
    }
    for (unsigned i = 0; i < system->region_count; i++)
        if (system->region[i].use == CAMKES_LIFE)
            fprintf(out, "    instance->other[%u].life = %s;\n", system->region[i].end[0],
                    system->region[i].name);
    for (unsigned i = 0; i < 8; i++)
        fprintf(out, "    instance->policy_hash[%u] = 0x%02x;\n", i, policy_hash[i]);
}

#define WARM_UP     100u
#define MEASURED    1000u
#define CLIENT_LAST 200u /* last byte of the client's address */

/* Client and device of the first service. */
static void write_synthetic(const struct camkes_system *system,
                            const struct topology_component *component, FILE *out)
{
    const struct site_service *service = &system->site->service[0];
    bool client = component->side == SL_SIDE_EXT;
    uint8_t mac[6];
    microkit_mac(system->site, component->side, mac);
    fprintf(out,
            "    instance->synthetic = (struct instance_synthetic){\n"
            "        .client = %u, .gateway_mac = {%u, %u, %u, %u, %u, %u},\n"
            "        .own_address = %" PRIu32 "u, .gateway_address = %" PRIu32 "u,\n"
            "        .gateway_port = %u, .warm_up = %u, .measured = %u};\n",
            client, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5],
            client ? (service->listen_address & ~UINT32_C(255)) | CLIENT_LAST
                   : service->device_address,
            client ? service->listen_address : system->site->side[SL_SIDE_INT].address,
            service->listen_port, WARM_UP, MEASURED);
}

/* Where each counts its wakes: in its page, which the monitor reads; the monitor in its own. */
static void write_wakes(const struct camkes_system *system, unsigned instance, FILE *out)
{
    if (!system->synthetic || !component_of(system, instance))
        return;
    if (component_of(system, instance)->program == PROGRAM_MONITOR)
        fputs("    static struct wake_count wakes[WAKES_BADGES];\n    instance->wakes = wakes;\n",
              out);
    else
        fputs("    instance->wakes = instance->measure->wakes;\n", out);
}

static void write_devices(const struct camkes_system *system, unsigned instance, FILE *out)
{
    const struct topology_component *component = component_of(system, instance);
    if (component && component->device && system->synthetic)
        write_synthetic(system, component, out);
    else if (component && component->device)
        fputs("    instance->device = (void *)(uintptr_t)device;\n"
              "    instance->acknowledge = interrupt_acknowledge;\n",
              out);
    enum camkes_kind kind = system->instance[instance].kind;
    if (kind == CAMKES_ENTROPY && system->board->entropy)
        fputs("    instance->device = (void *)(uintptr_t)device;\n", out);
    if (kind == CAMKES_ENTROPY && system->board->rtc)
        fputs("    instance->rtc = (const volatile uint32_t *)(uintptr_t)rtc;\n", out);
    if (kind == CAMKES_MONITOR || kind == CAMKES_SUPERVISOR)
        fputs("    instance->uart = (void *)(uintptr_t)uart;\n", out);
}

static void write_program(const struct camkes_system *system, unsigned instance, FILE *out)
{
    const struct topology_component *component = component_of(system, instance);
    if (!component)
        return;
    fprintf(out,
            "    instance->program = &%s_component;\n"
            "    instance->config = config;\n"
            "    instance->config_size = sizeof config;\n"
            "    instance->self = &self;\n"
            "    instance->self_size = sizeof self;\n",
            programs[component->program].name);
    if (component->has_policy)
        fputs("    instance->policy = sluice_policy;\n"
              "    instance->policy_size = sluice_policy_size;\n",
              out);
}

/* What is compiled for fewer sessions and slots than this program is: the compiler knows. The
 * frontends' link layer comes last, and is left out where no service has one. */
static void write_self(const struct program *program, size_t size, bool link, FILE *out)
{
    if (program->lowered && (link || !program->link))
        fprintf(out, "static struct %s self __attribute__((aligned(64)));\n", program->name);
    else if (program->lowered)
        fprintf(out,
                "static struct { uint8_t bytes[offsetof(struct %s, link)]; } self "
                "__attribute__((aligned(64)));\n",
                program->name);
    else
        fprintf(out, "static struct { uint8_t bytes[%zu]; } self __attribute__((aligned(64)));\n",
                size);
}

void camkes_write_instance(const struct camkes_system *system, unsigned instance,
                           const size_t self_size[], const uint8_t random[32],
                           const uint8_t policy_hash[8], FILE *out)
{
    const struct topology_component *component = component_of(system, instance);
    fputs("/* Generated by `sluice build`. */\n#include <camkes.h>\n#include <string.h>\n\n"
          "#include \"hosts/camkes/instance.h\"\n\n",
          out);
    if (component && programs[component->program].lowered)
        fprintf(out, "#include \"components/%s/%s.h\"\n\n", programs[component->program].name,
                programs[component->program].name);
    if (component) {
        uint8_t config[SL_CONFIG_MAX] __attribute__((aligned(16)));
        uint32_t size = component_config(system, instance, config);
        write_bytes("static const uint8_t config", config, size, out);
        write_self(&programs[component->program], self_size[component->program],
                   topology_has_link(system->site), out);
        if (component->has_policy)
            fputs(
                "extern const uint8_t sluice_policy[];\nextern const size_t sluice_policy_size;\n",
                out);
    }
    if (system->instance[instance].kind == CAMKES_ENTROPY)
        write_bytes("static const uint8_t build_seed", random, 32, out);
    if (system->instance[instance].kind == CAMKES_SUPERVISOR)
        fputs("unsigned long faults_endpoint(void), faults_reply(void), faults_thread(unsigned);\n",
              out);
    fputs("\nvoid instance_fill(struct instance *instance)\n{\n"
          "    memset(instance, 0, sizeof *instance);\n",
          out);
    fprintf(out, "    instance->name = \"%s\";\n", system->instance[instance].name);
    if (system->instance[instance].waits)
        fputs("    instance->wait = wake_notification();\n", out);
    for (unsigned i = 0; i < system->bell_count; i++)
        if (system->bell[i].from == instance)
            fprintf(out, "    instance->ring[%u] = bell_%u_emit;\n", system->bell[i].number,
                    system->bell[i].number);
    write_program(system, instance, out);
    write_ports(system, instance, out);
    write_pages(system, instance, out);
    write_wakes(system, instance, out);
    write_devices(system, instance, out);
    write_supervision(system, instance, policy_hash, out);
    if (system->instance[instance].kind == CAMKES_ENTROPY)
        fputs("    memcpy(instance->build_seed, build_seed, sizeof instance->build_seed);\n", out);
    fputs("}\n", out);
}

void camkes_write_policy(const void *policy, size_t size, FILE *out)
{
    fputs("/* Generated by `sluice build`. */\n#include <stddef.h>\n#include <stdint.h>\n\n"
          "extern const uint8_t sluice_policy[];\nextern const size_t sluice_policy_size;\n\n",
          out);
    write_bytes("const uint8_t sluice_policy", policy, size, out);
    fputs("const size_t sluice_policy_size = sizeof sluice_policy;\n", out);
}

void camkes_write_cmake(const struct camkes_system *system, FILE *out)
{
    static const struct program trusted = {NULL, "sluice_core", "", false, false};
    fputs("# Generated by `sluice build`.\n", out);
    for (unsigned i = 0; i < system->instance_count; i++) {
        const struct topology_component *component = component_of(system, i);
        const struct program *program = component ? &programs[component->program] : &trusted;
        const char *type = system->instance[i].type;
        const char *host = "${SLUICE_COMPONENT}";
        if (component && component->device)
            host = system->synthetic ? "${SLUICE_SYNTHETIC_COMPONENT}" : "${SLUICE_NIC_COMPONENT}";
        if (system->instance[i].kind == CAMKES_CLOCK)
            host = "${SLUICE_CLOCK}";
        if (system->instance[i].kind == CAMKES_ENTROPY)
            host = "${SLUICE_ENTROPY}";
        if (system->instance[i].kind == CAMKES_SUPERVISOR)
            host = "${SLUICE_SUPERVISOR}";
        fprintf(out,
                "DeclareCAmkESComponent(%s SOURCES components/%s/instance.c %s%s%s\n"
                "    INCLUDES ${%s} C_FLAGS ${SLUICE_FLAGS} LD_FLAGS \"${SLUICE_LINK}\" LIBS %s)\n",
                type, type, host, program->sources,
                component && component->has_policy ? " sluice_policy.c" : "",
                *program->sources ? "SLUICE_NET_INCLUDES" : "SLUICE_INCLUDES", program->library);
    }
}
