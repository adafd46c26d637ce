/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology/sddf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* sDDF 0.7, include/sddf/resources and include/sddf/network/config.h */
struct region_resource {
    uint64_t vaddr, size;
};
struct device_resources {
    char magic[5]; /* "sDDF", 1 */
    uint8_t region_count, interrupt_count;
    struct {
        struct region_resource region;
        uint64_t io_address;
    } region[64];
    uint8_t interrupt[64]; /* channel */
};
_Static_assert(sizeof(struct device_resources) == 1608, "sDDF 0.7's device_resources_t");

struct net_connection {
    struct region_resource free_queue, active_queue;
    uint16_t buffers;
    uint8_t channel;
};
struct net_driver_config {
    char magic[5]; /* "sDDF", 5 */
    struct net_connection receive, transmit;
};
_Static_assert(sizeof(struct net_driver_config) == 88, "sDDF 0.7's net_driver_config_t");

/* --- config.json: the values of objects in two arrays, "regions" and "irqs" --- */

struct words {
    const char *at;
    char word[64]; /* a string's text, a number, or a mark of punctuation */
    bool string;
};

/* The next token; false at the end or for what is longer than any name. */
static bool next(struct words *words)
{
    while (isspace((unsigned char)*words->at))
        words->at++;
    if (!*words->at)
        return false;
    words->string = *words->at == '"';
    size_t length = 1;
    if (words->string) {
        words->at++;
        length = strcspn(words->at, "\"\\");
        if (words->at[length] != '"')
            return false;
    } else if (!strchr("{}[]:,", *words->at)) {
        length = strcspn(words->at, "{}[]:, \t\r\n\"");
    }
    if (length >= sizeof words->word)
        return false;
    memcpy(words->word, words->at, length);
    words->word[length] = '\0';
    words->at += length + (words->string ? 1 : 0);
    return true;
}

static bool is(const struct words *words, const char *mark)
{
    return !words->string && !strcmp(words->word, mark);
}

/* One member "key": value of a region; nested values are none that we know. */
static bool region_member(struct words *words, struct microkit_sddf *sddf)
{
    char key[64];
    if (!words->string)
        return false;
    memcpy(key, words->word, sizeof key);
    if (!next(words) || !is(words, ":") || !next(words) || is(words, "{") || is(words, "["))
        return false;
    unsigned last = sddf->region_count - 1;
    if (!strcmp(key, "name"))
        snprintf(sddf->region[last].name, sizeof sddf->region[last].name, "%s", words->word);
    else if (!strcmp(key, "size"))
        sddf->region[last].size = (uint32_t)strtoul(words->word, NULL, 0);
    else if (!strcmp(key, "dt_index"))
        sddf->region[last].device = true;
    else if (!strcmp(key, "cached"))
        sddf->region[last].uncached = !strcmp(words->word, "false");
    return true; /* perms and setvar_vaddr: every region is mapped for reading and writing */
}

/* An array of flat objects. */
static bool read_array(struct words *words, struct microkit_sddf *sddf, bool regions)
{
    if (!next(words) || !is(words, ":") || !next(words) || !is(words, "["))
        return false;
    while (next(words) && !is(words, "]")) {
        if (is(words, ",") || is(words, "}"))
            continue;
        if (is(words, "{")) {
            sddf->interrupt_count += !regions;
            if (regions && sddf->region_count == SDDF_MAX_REGIONS)
                return false;
            sddf->region_count += regions;
        } else if (regions && !(sddf->region_count && region_member(words, sddf))) {
            return false;
        }
    }
    return is(words, "]");
}

const char *sddf_describe(const char *text, struct microkit_sddf *sddf)
{
    struct words words = {.at = text};
    sddf->region_count = sddf->interrupt_count = 0;
    while (next(&words))
        if (words.string && (!strcmp(words.word, "regions") || !strcmp(words.word, "irqs")) &&
            !read_array(&words, sddf, words.word[0] == 'r'))
            return "is not a driver's description as sDDF 0.7 has them";
    unsigned devices = 0;
    for (unsigned i = 0; i < sddf->region_count; i++) {
        devices += sddf->region[i].device;
        if (!sddf->region[i].name[0] || !sddf->region[i].size)
            return "has a region without a name or a size";
    }
    if (devices != 1 || sddf->interrupt_count != 1)
        return "describes a driver with other than one device region and one interrupt";
    return NULL;
}

static struct region_resource resource(const struct microkit_system *system, unsigned domain,
                                       const char *suffix)
{
    char name[SL_NAME_SIZE * 3];
    snprintf(name, sizeof name, "%s_%s", system->domain[domain].name, suffix);
    struct domain_region region = microkit_mapped(system, domain, microkit_region(system, name));
    return (struct region_resource){region.base, region.size};
}

static struct net_connection connection(const struct microkit_system *system, unsigned domain,
                                        const char *free_queue, const char *active_queue,
                                        uint16_t buffers, uint8_t channel)
{
    return (struct net_connection){.free_queue = resource(system, domain, free_queue),
                                   .active_queue = resource(system, domain, active_queue),
                                   .buffers = buffers,
                                   .channel = channel};
}

static bool put(struct elf_image *image, const char *section, const void *bytes, size_t size)
{
    size_t room = 0;
    uint8_t *place = elf_section(image, section, &room);
    if (!place || room != size)
        return false;
    memcpy(place, bytes, size);
    return true;
}

const char *sddf_fill(const struct microkit_system *system, unsigned domain,
                      struct elf_image *image)
{
    const struct microkit_domain *driver = &system->domain[domain];
    const struct microkit_sddf *sddf = &system->options.sddf[driver->side];
    struct device_resources device = {.magic = {'s', 'D', 'D', 'F', 1},
                                      .region_count = (uint8_t)sddf->region_count,
                                      .interrupt_count = 1,
                                      .interrupt = {SDDF_CHANNEL_INTERRUPT}};
    for (unsigned i = 0; i < sddf->region_count; i++) {
        struct domain_region region = microkit_mapped(system, domain, driver->resource[i]);
        device.region[i].region = (struct region_resource){region.base, region.size};
        device.region[i].io_address = system->region[driver->resource[i]].physical;
    }
    struct net_driver_config config = {
        .magic = {'s', 'D', 'D', 'F', 5},
        .receive = connection(system, domain, "receive_free", "receive_active",
                              SDDF_RECEIVE_BUFFERS, SDDF_CHANNEL_RECEIVE),
        .transmit = connection(system, domain, "transmit_free", "transmit_active",
                               SDDF_TRANSMIT_BUFFERS, SDDF_CHANNEL_TRANSMIT),
    };
    if (!put(image, ".net_driver_config", &config, sizeof config) ||
        !put(image, ".device_resources", &device, sizeof device))
        return "is not a stock Ethernet driver of sDDF 0.7: its configuration sections are absent "
               "or of another size";
    elf_drop_execute(image);
    return NULL;
}
