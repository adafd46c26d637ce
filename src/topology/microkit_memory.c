/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology/microkit_memory.h"

#include <inttypes.h>
#include <string.h>

#define PAGE       UINT64_C(4096)
#define TABLE_SPAN (UINT64_C(1) << 21) /* one lowest table */
#define UPPER_SPAN (UINT64_C(1) << 30) /* one table above it */
#define TOP_SIZE   UINT64_C(8192)      /* the top level: 2^10 entries */
#define USER_TOP   (UINT64_C(1) << 40) /* stack and IPC buffer lie below it */
#define MAX_SPANS  64u

uint64_t microkit_image_size(const struct elf_image *image)
{
    uint64_t size = 0;
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segment[i];
        uint64_t first = segment->address / PAGE;
        uint64_t end = (segment->address + segment->memory_size + PAGE - 1) / PAGE;
        size += (end - first) * PAGE;
    }
    return size;
}

/* The spans of one size in which something is mapped. */
struct spans {
    uint64_t size;
    unsigned count;
    uint64_t number[MAX_SPANS];
};

static void add_range(struct spans *spans, uint64_t address, uint64_t size)
{
    for (uint64_t at = address / spans->size; size && at <= (address + size - 1) / spans->size;
         at++) {
        bool known = false;
        for (unsigned i = 0; i < spans->count; i++)
            known |= spans->number[i] == at;
        if (!known && spans->count < MAX_SPANS)
            spans->number[spans->count++] = at;
    }
}

static unsigned count_spans(const struct microkit_system *system, unsigned domain,
                            const struct elf_image *image, uint64_t span)
{
    struct spans spans = {.size = span};
    for (unsigned i = 0; i < image->segment_count; i++)
        add_range(&spans, image->segment[i].address, image->segment[i].memory_size);
    for (unsigned i = 0; i < system->map_count; i++)
        if (system->map[i].domain == domain)
            add_range(&spans, system->map[i].address, system->region[system->map[i].region].size);
    /* Stack, a page that is not mapped, IPC buffer. */
    uint64_t stack = system->domain[domain].run.stack + 2 * PAGE;
    add_range(&spans, USER_TOP - stack, stack);
    return spans.count;
}

uint64_t microkit_table_size(const struct microkit_system *system, unsigned domain,
                             const struct elf_image *image)
{
    return TOP_SIZE + PAGE * count_spans(system, domain, image, UPPER_SPAN) +
           PAGE * count_spans(system, domain, image, TABLE_SPAN);
}

static uint64_t print_regions(const struct microkit_system *system, FILE *out)
{
    uint64_t sum = 0;
    fprintf(out, "\n%-52s %8s\n", "region", "KiB");
    for (unsigned i = 0; i < system->region_count; i++) {
        const struct microkit_region *region = &system->region[i];
        if (region->kind == MEMORY_DEVICE)
            continue;
        fprintf(out, "%-52s %8.1f%s\n", region->name, (double)region->size / 1024,
                region->kind == MEMORY_DMA ? "  shared with the device" : "");
        sum += region->size;
    }
    return sum;
}

struct microkit_totals microkit_print_memory(const struct microkit_system *system,
                                             const struct elf_image *images, FILE *out)
{
    struct microkit_totals sum = {0};
    fprintf(out, "%-24s %10s %10s %12s\n", "domain (KiB)", "image", "stack", "page tables");
    for (unsigned i = 0; i < system->domain_count; i++) {
        uint64_t image = microkit_image_size(&images[i]);
        uint64_t stack = system->domain[i].run.stack + PAGE; /* with the IPC buffer */
        uint64_t table = microkit_table_size(system, i, &images[i]);
        fprintf(out, "%-24s %10.1f %10.1f %12.1f\n", system->domain[i].name, (double)image / 1024,
                (double)stack / 1024, (double)table / 1024);
        sum.image += image;
        sum.stack += stack;
        sum.table += table;
    }
    sum.region = print_regions(system, out);
    return sum;
}
