/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading ELF files for AArch64: segments, sections, symbols; and filling a section. */
#ifndef SLUICE_ELF_IMAGE_H
#define SLUICE_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_MAX_SEGMENTS 16u

struct elf_segment {
    uint64_t address;     /* virtual */
    uint64_t file_size;   /* bytes in the file */
    uint64_t memory_size; /* bytes in memory */
    bool read, write, execute;
};

struct elf_image {
    uint8_t *bytes; /* own; free with elf_free */
    size_t size;
    unsigned segment_count; /* those that are loaded */
    struct elf_segment segment[ELF_MAX_SEGMENTS];
};

/* Reads the whole file. NULL, or what is wrong with it, in words; then nothing need be freed. */
const char *elf_read(struct elf_image *image, const char *path);
void elf_free(struct elf_image *image);

/* The section's bytes in the image; NULL when there is none of that name or it has none. */
uint8_t *elf_section(struct elf_image *image, const char *name, size_t *size);

/* The bytes of an object of `size` bytes at a defined symbol, in a relocatable or linked file;
 * NULL when there are none. */
const uint8_t *elf_symbol(const struct elf_image *image, const char *name, size_t size);

/* Bytes of a defined symbol as the file says; 0 where there is none of that name. */
uint64_t elf_symbol_size(const struct elf_image *image, const char *name);

/* True when the file asks for a symbol of this name that it does not define. */
bool elf_wants(const struct elf_image *image, const char *name);

/* Takes the right to execute from every segment that can be written. */
void elf_drop_execute(struct elf_image *image);

/* Writes the image back. False: errno says why. */
bool elf_write(const struct elf_image *image, const char *path);

#endif
