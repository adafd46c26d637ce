/* SPDX-License-Identifier: BSD-2-Clause */
/* What each domain of a system description is given, against what the topology and this host give
 * it: the same, or less where it is not the topology's. */
#include "topology/microkit_reader.h"

#define NOT_GIVEN "a map or right that the topology does not give: "

/* Each map of a shared region must be the topology's, and each of the topology's must be there. */
static void check_shared_maps(struct reader *reader)
{
    const struct topology *topology = reader->topology;
    static bool found[TOPOLOGY_MAX_MAPS];
    memset(found, 0, sizeof found);
    for (unsigned i = 0; i < reader->map_count; i++) {
        const struct reader_map *map = &reader->map[i];
        const struct reader_domain *domain = &reader->domain[map->domain];
        const struct reader_region *region = &reader->region[map->region];
        if (domain->component < 0 || !reader_is_shared(reader, region))
            continue;
        bool allowed = false;
        for (unsigned j = 0; j < topology->map_count && !allowed; j++) {
            const struct topology_map *meant = &topology->map[j];
            const bool write = (meant->rights & RIGHT_WRITE) != 0;
            allowed = !strcmp(topology->region[meant->region].name, region->name) &&
                      meant->component == domain->component && write == map->write && !found[j];
            found[j] |= allowed;
        }
        if (!allowed)
            reader_violation(reader, NOT_GIVEN, domain->name, region->name);
    }
    for (unsigned j = 0; j < topology->map_count; j++)
        if (!found[j])
            reader_violation(reader,
                             "lacks a map: ", topology->component[topology->map[j].component].name,
                             topology->region[topology->map[j].region].name);
}

/* A region of another size is another one: its rings' ends would disagree where it ends. */
static void check_sizes(struct reader *reader)
{
    for (unsigned i = 0; i < reader->topology->region_count; i++) {
        const struct topology_region *meant = &reader->topology->region[i];
        const int region = reader_find_region(reader, meant->name);
        if (region >= 0 && reader->region[region].size != meant->size)
            reader_violation(reader, "has another size than it should", meant->name, "");
    }
}

/* --- what is not the topology's -------------------------------------------------------------- */

enum holder {
    SUPERVISOR,
    ENTROPY,
    MONITOR,
    POLICY_EMIT,     /* any of them */
    EXTERNAL_DRIVER, /* of an image that is made to be measured */
    OWNER,           /* whose name the region's begins with */
    EDGE,            /* in front of a stock driver, its owner */
};

/* Who may map what. A name that begins with '_' follows its owner's; the first that fits a region
 * settles whose it is, and the rows after it of the same name who else may. */
static const struct {
    const char *region;
    enum holder holder;
    bool write;
} private[] = {
    {"supervisor_seed", SUPERVISOR, false},
    {"supervisor_seed", ENTROPY, true},
    {"_seed", OWNER, false},
    {"_seed", ENTROPY, true},
    {"_seed", SUPERVISOR, true}, /* which zeroes it */
    {"status", SUPERVISOR, true},
    {"status", MONITOR, false},
    {"status", POLICY_EMIT, false},
    {"uart", SUPERVISOR, true},
    {"uart", MONITOR, true},
    {"rtc", SUPERVISOR, false},
    {"_registers", OWNER, true},
    {"_dma", OWNER, true},
    {"_life", OWNER, true},
    {"_life", SUPERVISOR, true},
    {"_wakes", OWNER, true},
    {"_wakes", SUPERVISOR, false},
    {"bench", EXTERNAL_DRIVER, true},
    {"bench", SUPERVISOR, false},
    /* between a stock driver and its edge */
    {"_receive_free", OWNER, true},
    {"_receive_free", EDGE, true},
    {"_receive_free", SUPERVISOR, true},
    {"_receive_active", OWNER, true},
    {"_receive_active", EDGE, true},
    {"_receive_active", SUPERVISOR, true},
    {"_transmit_free", OWNER, true},
    {"_transmit_free", EDGE, true},
    {"_transmit_free", SUPERVISOR, true},
    {"_transmit_active", OWNER, true},
    {"_transmit_active", EDGE, true},
    {"_transmit_active", SUPERVISOR, true},
    {"_receive_buffers", EDGE, false},
    {"_transmit_buffers", EDGE, true},
};
#define PRIVATE_COUNT (sizeof private / sizeof private[0])

/* The longest name of a domain that `region` begins with; -1: none. */
static int owner_of(const struct reader *reader, const char *region)
{
    int owner = -1;
    size_t longest = 0;
    for (unsigned i = 0; i < reader->domain_count; i++) {
        const size_t length = strlen(reader->domain[i].name);
        if (length > longest && !strncmp(reader->domain[i].name, region, length) &&
            region[length] == '_') {
            longest = length;
            owner = (int)i;
        }
    }
    return owner;
}

static bool is_edge(const struct reader_domain *domain, const struct reader_domain *driver)
{
    const size_t length = strlen(domain->name);
    return reader_is_stock_driver(driver->name) && !strncmp(driver->name, domain->name, length) &&
           !strcmp(driver->name + length, "_sddf");
}

static bool holds(const struct reader *reader, enum holder holder, unsigned domain, int owner)
{
    const char *name = reader->domain[domain].name;
    const struct topology_component *component = reader_component(reader, domain);
    switch (holder) {
    case SUPERVISOR:
        return !strcmp(name, "supervisor");
    case ENTROPY:
        return !strcmp(name, "entropy");
    case MONITOR:
        return component && component->program == PROGRAM_MONITOR;
    case POLICY_EMIT:
        return component && component->program == PROGRAM_POLICY_EMIT;
    case EXTERNAL_DRIVER:
        return reader->measured && component && component->device && component->side == SL_SIDE_EXT;
    case OWNER:
        return owner == (int)domain;
    case EDGE:
        return owner >= 0 && is_edge(&reader->domain[domain], &reader->domain[owner]);
    }
    return false;
}

/* The first row of `private` for a region; PRIVATE_COUNT: none. */
static size_t first_row(const struct reader *reader, const char *region, int owner)
{
    const char *rest = owner < 0 ? "" : region + strlen(reader->domain[owner].name);
    for (size_t i = 0; i < PRIVATE_COUNT; i++)
        if (!strcmp(private[i].region, region) || !strcmp(private[i].region, rest))
            return i;
    return PRIVATE_COUNT;
}

static bool may_map(const struct reader *reader, const struct reader_map *map)
{
    const char *region = reader->region[map->region].name;
    const int owner = owner_of(reader, region);
    const size_t first = first_row(reader, region, owner);
    if (first == PRIVATE_COUNT) /* what a stock driver's own description names */
        return owner == (int)map->domain && reader_is_stock_driver(reader->domain[owner].name);
    for (size_t i = first; i < PRIVATE_COUNT; i++)
        if (!strcmp(private[i].region, private[first].region) &&
            holds(reader, private[i].holder, map->domain, owner) &&
            (private[i].write || !map->write))
            return true;
    return false;
}

/* Of the links' memory the supervisor has all, to zero it, and no other trusted domain any. */
static void check_private_maps(struct reader *reader)
{
    for (unsigned i = 0; i < reader->map_count; i++) {
        const struct reader_map *map = &reader->map[i];
        const struct reader_domain *domain = &reader->domain[map->domain];
        const struct reader_region *region = &reader->region[map->region];
        const bool given = reader_is_shared(reader, region)
                               ? domain->component >= 0 || !strcmp(domain->name, "supervisor")
                               : may_map(reader, map);
        if (!given)
            reader_violation(reader, NOT_GIVEN, domain->name, region->name);
    }
}

static void check_bus_addresses(struct reader *reader)
{
    for (unsigned i = 0; i < reader->bus_address_count; i++) {
        const struct reader_bus_address *told = &reader->bus_address[i];
        const char *name = reader->domain[told->domain].name;
        char own[96];
        snprintf(own, sizeof own, "%s_dma", name);
        const char *region = told->region < 0 ? "?" : reader->region[told->region].name;
        if (strcmp(own, region))
            reader_violation(reader, "is told the bus address of what is not its own: ", name,
                             region);
    }
}

/* --- notifications and calls ----------------------------------------------------------------- */

static bool found[TOPOLOGY_MAX_CHANNELS][2]; /* of the topology's: end i notifies */

/* One of the topology's, not yet found. */
static bool is_meant(const struct reader *reader, int from, int to)
{
    for (unsigned i = 0; i < reader->topology->channel_count; i++)
        for (unsigned end = 0; end < 2; end++) {
            const struct topology_channel *meant = &reader->topology->channel[i];
            if (meant->end[end] != from || meant->end[!end] != to || !meant->notifies[end] ||
                found[i][end])
                continue;
            found[i][end] = true;
            return true;
        }
    return false;
}

/* Components notify as the topology says and their own stock driver; the clock wakes anyone. */
static bool may_notify(const struct reader *reader, unsigned from, unsigned to)
{
    const struct reader_domain *sender = &reader->domain[from], *receiver = &reader->domain[to];
    if (!strcmp(sender->name, "clock"))
        return true;
    if (sender->component >= 0 && receiver->component >= 0)
        return is_meant(reader, sender->component, receiver->component);
    return is_edge(sender, receiver) || is_edge(receiver, sender) ||
           (!strcmp(receiver->name, "supervisor") && holds(reader, EXTERNAL_DRIVER, from, -1));
}

static void check_channels(struct reader *reader)
{
    memset(found, 0, sizeof found);
    for (unsigned i = 0; i < reader->channel_count; i++)
        for (unsigned end = 0; end < 2; end++) {
            const struct reader_channel *channel = &reader->channel[i];
            const int from = channel->end[end].domain, to = channel->end[!end].domain;
            if (from < 0 || to < 0)
                continue;
            if (channel->end[end].notifies && !may_notify(reader, (unsigned)from, (unsigned)to))
                reader_violation(reader, "a notification that the topology does not give: ",
                                 reader->domain[from].name, reader->domain[to].name);
            if (channel->end[end].calls)
                reader_violation(reader, "calls, which nobody needs: ", reader->domain[from].name,
                                 reader->domain[to].name);
        }
    const struct topology *topology = reader->topology;
    for (unsigned i = 0; i < topology->channel_count; i++)
        for (unsigned end = 0; end < 2; end++) {
            const struct topology_channel *channel = &topology->channel[i];
            if (channel->notifies[end] && !found[i][end])
                reader_violation(
                    reader, "lacks a notification: ", topology->component[channel->end[end]].name,
                    topology->component[channel->end[!end]].name);
        }
}

/* --- devices --------------------------------------------------------------------------------- */

/* The component that owns a NIC, or that a stock driver works for; NULL: neither. */
static const struct topology_component *nic_owner(const struct reader *reader, int domain)
{
    for (unsigned i = 0; domain >= 0 && i < reader->domain_count; i++) {
        const struct topology_component *component = reader_component(reader, i);
        if (component && component->device &&
            (i == (unsigned)domain || is_edge(&reader->domain[i], &reader->domain[domain])))
            return component;
    }
    return NULL;
}

/* One for each who has a device, and of that device. */
static void check_interrupts(struct reader *reader)
{
    for (unsigned i = 0; i < reader->interrupt_count; i++) {
        const struct reader_interrupt *interrupt = &reader->interrupt[i];
        const char *name = reader->domain[interrupt->domain].name;
        const struct topology_component *owner = nic_owner(reader, (int)interrupt->domain);
        bool first = true;
        for (unsigned j = 0; j < i; j++)
            first &= reader->interrupt[j].domain != interrupt->domain;
        if (!owner || !first)
            reader_violation(reader, "has an interrupt too many", name, "");
        else if (reader->board && interrupt->number != reader->board->nic[owner->side].interrupt)
            reader_violation(reader, "has the interrupt of another device", name, "");
    }
}

/* Memory for a stock driver's DMA ends where the board says, and takes less than this. */
#define STOCK_DMA_MAX UINT64_C(0x1000000)

/* At a physical address is a device, where the board has it, or a stock driver's memory. */
static bool well_placed(const struct reader *reader, const struct reader_region *region)
{
    const struct microkit_board *board = reader->board;
    const struct {
        const char *name;
        uint64_t physical;
    } devices[] = {{"uart", board->uart},
                   {"rtc", board->rtc},
                   {"entropy_registers", board->entropy},
                   {"ext_nic_drv_registers", board->nic[SL_SIDE_EXT].registers},
                   {"int_nic_drv_registers", board->nic[SL_SIDE_INT].registers}};
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (!strcmp(devices[i].name, region->name))
            return region->physical == devices[i].physical && region->size == 4096;
    const int driver = owner_of(reader, region->name);
    const struct topology_component *owner = nic_owner(reader, driver);
    if (!owner || !reader_is_stock_driver(reader->domain[driver].name))
        return false;
    return region->physical == board->nic[owner->side].registers ||
           (region->physical + region->size <= board->dma_top &&
            region->physical >= board->dma_top - STOCK_DMA_MAX);
}

static void check_places(struct reader *reader)
{
    for (unsigned i = 0; reader->board && i < reader->region_count; i++)
        if (reader->region[i].placed && !well_placed(reader, &reader->region[i]))
            reader_violation(reader, "is at a physical address that is not its own",
                             reader->region[i].name, "");
}

/* --- domains --------------------------------------------------------------------------------- */

/* The supervisor is above all, first its child the clock; none of the pipeline is above another,
 * but for the monitor below them where it is to be measured apart. */
static bool right_priority(const struct reader *reader, unsigned domain, uint32_t wanted)
{
    const uint32_t priority = reader->domain[domain].run.priority;
    return reader->measured && holds(reader, MONITOR, domain, -1) ? priority <= wanted
                                                                  : priority == wanted;
}

static void check_run(struct reader *reader, unsigned domain)
{
    const struct reader_domain *one = &reader->domain[domain];
    enum microkit_kind kind = one->component >= 0                ? DOMAIN_COMPONENT
                              : !strcmp(one->name, "supervisor") ? DOMAIN_SUPERVISOR
                              : !strcmp(one->name, "clock")      ? DOMAIN_CLOCK
                              : !strcmp(one->name, "entropy")    ? DOMAIN_ENTROPY
                                                                 : DOMAIN_SDDF_DRIVER;
    const struct microkit_run wanted = microkit_run_of(kind);
    if (!right_priority(reader, domain, wanted.priority))
        reader_violation(reader, "has another priority than it should", one->name, "");
    if (one->run.budget != wanted.budget || one->run.period != wanted.period)
        reader_violation(reader, "has another budget or period than it should", one->name, "");
    if (one->run.stack != wanted.stack)
        reader_violation(reader, "has another stack than it should", one->name, "");
}

static void check_domains(struct reader *reader)
{
    const int supervisor = reader_find_domain(reader, "supervisor");
    for (unsigned i = 0; i < reader->domain_count; i++) {
        const struct reader_domain *domain = &reader->domain[i];
        char image[96];
        snprintf(image, sizeof image, "%s.elf", domain->name);
        if (strcmp(domain->image, image))
            reader_violation(reader, "has another's image: ", domain->name, domain->image);
        check_run(reader, i);
        if ((int)i != supervisor && domain->parent != supervisor)
            reader_violation(reader, "is not the supervisor's child", domain->name, "");
    }
    for (unsigned i = 0; i < reader->topology->component_count; i++) {
        const char *name = reader->topology->component[i].name;
        if (reader_find_domain(reader, strcmp(name, "monitor") ? name : "sluice_monitor") < 0)
            reader_violation(reader, "has no domain", name, "");
    }
    for (unsigned kind = 0; kind < 3; kind++) {
        static const char *const trusted[] = {"supervisor", "clock", "entropy"};
        if (reader_find_domain(reader, trusted[kind]) < 0)
            reader_violation(reader, "has no domain", trusted[kind], "");
    }
}

void reader_check_rights(struct reader *reader)
{
    check_domains(reader);
    check_shared_maps(reader);
    check_sizes(reader);
    check_private_maps(reader);
    check_bus_addresses(reader);
    check_channels(reader);
    check_interrupts(reader);
    check_places(reader);
}
