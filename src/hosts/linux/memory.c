/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/board.h"
#include "sluice/counters.h"

#define PAGE 4096u

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static size_t whole_pages(size_t size)
{
    return (size + PAGE - 1) / PAGE * PAGE;
}

/* Maps `fd`, or private zeroes for fd -1, between two guard pages. */
static bool map_guarded(struct memory_block *block, int fd, size_t size, int protection)
{
    size = whole_pages(size);
    uint8_t *reserved =
        mmap(NULL, size + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED)
        return false;
    int flags = MAP_FIXED | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
    void *base = mmap(reserved + PAGE, size, protection, flags, fd, 0);
    if (base == MAP_FAILED) {
        int saved = errno;
        munmap(reserved, size + 2 * PAGE);
        errno = saved;
        return false;
    }
    *block = (struct memory_block){base, size};
    return true;
}

void memory_unmap(struct memory_block *block)
{
    if (block->base)
        munmap((uint8_t *)block->base - PAGE, block->size + 2 * PAGE);
    *block = (struct memory_block){0};
}

void *memory_private(size_t size)
{
    struct memory_block block;
    return map_guarded(&block, -1, size ? size : 1, PROT_READ | PROT_WRITE) ? block.base : NULL;
}

static int create_memfd(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd;
}

/* The rights of all components of one process together. */
static unsigned process_rights(const struct launch *launch, unsigned process, unsigned region)
{
    const struct topology *topology = launch->topology;
    unsigned rights = 0;
    for (unsigned i = 0; i < topology->map_count; i++) {
        const struct topology_map *map = &topology->map[i];
        if (map->region == region && launch->component[map->component].process == process)
            rights |= map->rights;
    }
    return rights;
}

static bool map_holders(struct memory *memory, const struct launch *launch, unsigned region, int fd,
                        bool writers)
{
    for (unsigned process = 0; process < launch->process_count; process++) {
        unsigned rights = process_rights(launch, process, region);
        bool writes = rights & RIGHT_WRITE;
        if (!rights || writes != writers)
            continue;
        if (!map_guarded(&memory->view[process][region], fd, launch->topology->region[region].size,
                         writes ? PROT_READ | PROT_WRITE : PROT_READ))
            return false;
    }
    return true;
}

static bool create_region(struct memory *memory, const struct launch *launch, unsigned region)
{
    const struct topology_region *wanted = &launch->topology->region[region];
    int fd = create_memfd(wanted->name);
    if (fd < 0)
        return false;
    bool made = ftruncate(fd, wanted->size) == 0 && map_holders(memory, launch, region, fd, true) &&
                fcntl(fd, F_ADD_SEALS,
                      F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) == 0 &&
                map_holders(memory, launch, region, fd, false);
    int saved = errno;
    close(fd);
    errno = saved;
    return made;
}

static bool create_constant(struct memory_block *block, const void *bytes, size_t size)
{
    if (!map_guarded(block, -1, size ? size : 1, PROT_READ | PROT_WRITE))
        return false;
    if (size)
        memcpy(block->base, bytes, size);
    return mprotect(block->base, block->size, PROT_READ) == 0;
}

void memory_publish(const struct memory_block *policy_writer, const void *image, size_t size,
                    uint32_t generation)
{
    struct policy_board *board = policy_writer->base;
    memcpy(policy_board_image(board, generation), image, size);
    board->size[generation % 2] = (uint32_t)size;
    sl_store_release(&board->generation, generation);
}

/* The launcher's mapping first, then nobody else can have one to write. */
static bool create_policy(struct memory *memory, const struct launch *launch)
{
    int fd = create_memfd("policy");
    if (fd < 0)
        return false;
    bool made =
        ftruncate(fd, POLICY_BOARD_REGION) == 0 &&
        map_guarded(&memory->policy_writer, fd, POLICY_BOARD_REGION, PROT_READ | PROT_WRITE) &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) ==
            0 &&
        map_guarded(&memory->policy, fd, POLICY_BOARD_REGION, PROT_READ);
    int saved = errno;
    close(fd);
    errno = saved;
    if (made)
        memory_publish(&memory->policy_writer, launch->policy, launch->policy_size,
                       launch->policy_generation);
    return made;
}

/* The other way round: once the monitor's mapping is there, nobody can have another to write. */
static bool create_counters(struct memory *memory)
{
    int fd = create_memfd("counters");
    if (fd < 0)
        return false;
    const size_t size = whole_pages(sizeof(struct sl_counters));
    bool made = ftruncate(fd, (off_t)size) == 0 &&
                map_guarded(&memory->counters, fd, size, PROT_READ | PROT_WRITE) &&
                fcntl(fd, F_ADD_SEALS,
                      F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) == 0 &&
                map_guarded(&memory->counters_reader, fd, size, PROT_READ);
    int saved = errno;
    close(fd);
    errno = saved;
    return made;
}

bool memory_create(struct memory *memory, const struct launch *launch, char *error,
                   size_t error_size)
{
    const char *what = "the policy image and counters";
    memset(memory, 0, sizeof *memory);
    bool made = (!launch->policy || create_policy(memory, launch)) && create_counters(memory);
    for (unsigned i = 0; made && i < launch->topology->component_count; i++) {
        what = launch->topology->component[i].name;
        made = create_constant(&memory->config[i], launch->component[i].config,
                               launch->component[i].config_size);
    }
    for (unsigned i = 0; made && i < launch->topology->region_count; i++) {
        what = launch->topology->region[i].name;
        made = create_region(memory, launch, i);
    }
    if (made)
        return true;
    snprintf(error, error_size, "cannot make shared memory for %s: %s", what, strerror(errno));
    memory_release(memory);
    return false;
}

/* True when no process of another part holds the region. */
static bool within(const struct launch *launch, unsigned region, enum launch_part part)
{
    const struct topology *topology = launch->topology;
    for (unsigned i = 0; i < topology->map_count; i++)
        if (topology->map[i].region == region &&
            launch_part_of(launch, launch->component[topology->map[i].component].process) != part)
            return false;
    return true;
}

bool memory_renew(struct memory *memory, const struct launch *launch, enum launch_part part,
                  char *error, size_t error_size)
{
    const char *what = "";
    bool made = true;
    for (unsigned i = 0; made && i < launch->topology->component_count; i++) {
        if (launch_part_of(launch, launch->component[i].process) != part)
            continue;
        what = launch->topology->component[i].name;
        memory_unmap(&memory->config[i]);
        made = create_constant(&memory->config[i], launch->component[i].config,
                               launch->component[i].config_size);
    }
    for (unsigned i = 0; made && i < launch->topology->region_count; i++) {
        if (!within(launch, i, part))
            continue;
        what = launch->topology->region[i].name;
        for (unsigned process = 0; process < launch->process_count; process++)
            memory_unmap(&memory->view[process][i]);
        made = create_region(memory, launch, i);
    }
    if (!made)
        snprintf(error, error_size, "cannot make shared memory for %s: %s", what, strerror(errno));
    return made;
}

void memory_keep(struct memory *memory, const struct launch *launch, unsigned process)
{
    bool has_policy = false, monitor = false;
    for (unsigned i = 0; i < launch->topology->component_count; i++) {
        if (launch->component[i].process != process) {
            memory_unmap(&memory->config[i]);
            continue;
        }
        has_policy |= launch->topology->component[i].has_policy;
        monitor |= launch->topology->component[i].program == PROGRAM_MONITOR;
    }
    memory_unmap(&memory->policy_writer);
    memory_unmap(&memory->counters_reader);
    if (!monitor)
        memory_unmap(&memory->counters);
    if (!has_policy)
        memory_unmap(&memory->policy);
    else if (memory->policy.base)
        madvise(policy_board_image(memory->policy.base, launch->policy_generation),
                whole_pages(launch->policy_size), MADV_POPULATE_READ);
    for (unsigned region = 0; region < launch->topology->region_count; region++) {
        for (unsigned other = 0; other < launch->process_count; other++)
            if (other != process)
                memory_unmap(&memory->view[other][region]);
        struct memory_block *mine = &memory->view[process][region];
        /* Linux 5.14; before it pages come as they are used, which only costs time. */
        if (mine->base && madvise(mine->base, mine->size, MADV_POPULATE_WRITE) != 0)
            madvise(mine->base, mine->size, MADV_POPULATE_READ);
    }
}

void memory_release(struct memory *memory)
{
    memory_unmap(&memory->policy);
    memory_unmap(&memory->policy_writer);
    memory_unmap(&memory->counters);
    memory_unmap(&memory->counters_reader);
    for (unsigned i = 0; i < TOPOLOGY_MAX_COMPONENTS; i++)
        memory_unmap(&memory->config[i]);
    for (unsigned process = 0; process < LAUNCH_MAX_PROCESSES; process++)
        for (unsigned region = 0; region < TOPOLOGY_MAX_REGIONS; region++)
            memory_unmap(&memory->view[process][region]);
}
