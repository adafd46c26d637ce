/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology/elf_image.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool inside(const struct elf_image *image, uint64_t offset, uint64_t size)
{
    return offset <= image->size && size <= image->size - offset;
}

/* The tables are copied out: the file's own alignment is not to be trusted. */
static bool header_of(const struct elf_image *image, Elf64_Ehdr *header)
{
    if (!inside(image, 0, sizeof *header))
        return false;
    memcpy(header, image->bytes, sizeof *header);
    return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
           header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
           header->e_machine == EM_AARCH64 && header->e_shentsize == sizeof(Elf64_Shdr) &&
           inside(image, header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr)) &&
           (header->e_phnum == 0 || header->e_phentsize == sizeof(Elf64_Phdr)) &&
           inside(image, header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr));
}

static const char *read_segments(struct elf_image *image, const Elf64_Ehdr *header)
{
    for (unsigned i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr program;
        memcpy(&program, image->bytes + header->e_phoff + i * sizeof program, sizeof program);
        if (program.p_type != PT_LOAD)
            continue;
        if (image->segment_count == ELF_MAX_SEGMENTS)
            return "has too many segments";
        image->segment[image->segment_count++] = (struct elf_segment){
            .address = program.p_vaddr,
            .file_size = program.p_filesz,
            .memory_size = program.p_memsz,
            .read = program.p_flags & PF_R,
            .write = program.p_flags & PF_W,
            .execute = program.p_flags & PF_X,
        };
    }
    return NULL;
}

const char *elf_read(struct elf_image *image, const char *path)
{
    memset(image, 0, sizeof *image);
    FILE *file = fopen(path, "rbe");
    if (!file)
        return strerror(errno);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    image->size = size > 0 ? (size_t)size : 0;
    image->bytes = malloc(image->size + 1);
    bool whole = image->bytes && fread(image->bytes, 1, image->size, file) == image->size;
    fclose(file);
    Elf64_Ehdr header;
    const char *wrong = !whole                       ? "cannot be read"
                        : !header_of(image, &header) ? "is not an ELF file for AArch64"
                                                     : read_segments(image, &header);
    if (wrong)
        elf_free(image);
    return wrong;
}

void elf_free(struct elf_image *image)
{
    free(image->bytes);
    memset(image, 0, sizeof *image);
}

static bool section_at(const struct elf_image *image, unsigned index, Elf64_Shdr *section)
{
    Elf64_Ehdr header;
    if (!header_of(image, &header) || index >= header.e_shnum)
        return false;
    memcpy(section, image->bytes + header.e_shoff + index * sizeof *section, sizeof *section);
    return section->sh_type == SHT_NOBITS || inside(image, section->sh_offset, section->sh_size);
}

static bool named(const struct elf_image *image, const Elf64_Shdr *strings, uint64_t offset,
                  const char *name)
{
    size_t length = strlen(name) + 1;
    return offset <= strings->sh_size && length <= strings->sh_size - offset &&
           memcmp(image->bytes + strings->sh_offset + offset, name, length) == 0;
}

uint8_t *elf_section(struct elf_image *image, const char *name, size_t *size)
{
    Elf64_Ehdr header;
    Elf64_Shdr strings, section;
    if (!header_of(image, &header) || !section_at(image, header.e_shstrndx, &strings))
        return NULL;
    for (unsigned i = 1; i < header.e_shnum; i++) {
        if (!section_at(image, i, &section) || !named(image, &strings, section.sh_name, name) ||
            section.sh_type == SHT_NOBITS)
            continue;
        *size = section.sh_size;
        return image->bytes + section.sh_offset;
    }
    return NULL;
}

/* Symbols of relocatable files count from their section's start, of linked ones from zero. */
static const uint8_t *symbol_bytes(const struct elf_image *image, const Elf64_Ehdr *header,
                                   const Elf64_Sym *symbol, size_t size)
{
    Elf64_Shdr section;
    if (!section_at(image, symbol->st_shndx, &section) || section.sh_type == SHT_NOBITS)
        return NULL;
    uint64_t offset = symbol->st_value - (header->e_type == ET_REL ? 0 : section.sh_addr);
    if (offset > section.sh_size || size > section.sh_size - offset)
        return NULL;
    return image->bytes + section.sh_offset + offset;
}

/* The first symbol of that name that is defined, or is not; false: there is none. */
static bool find_symbol(const struct elf_image *image, const char *name, bool defined,
                        Elf64_Sym *found)
{
    Elf64_Ehdr header;
    Elf64_Shdr table, strings;
    if (!header_of(image, &header))
        return false;
    for (unsigned i = 1; i < header.e_shnum; i++) {
        if (!section_at(image, i, &table) || table.sh_type != SHT_SYMTAB ||
            !section_at(image, table.sh_link, &strings))
            continue;
        for (uint64_t at = 0; at + sizeof *found <= table.sh_size; at += sizeof *found) {
            memcpy(found, image->bytes + table.sh_offset + at, sizeof *found);
            if ((found->st_shndx != SHN_UNDEF) == defined &&
                named(image, &strings, found->st_name, name))
                return true;
        }
    }
    return false;
}

const uint8_t *elf_symbol(const struct elf_image *image, const char *name, size_t size)
{
    Elf64_Ehdr header;
    Elf64_Sym symbol;
    if (!header_of(image, &header) || !find_symbol(image, name, true, &symbol))
        return NULL;
    return symbol_bytes(image, &header, &symbol, size);
}

uint64_t elf_symbol_size(const struct elf_image *image, const char *name)
{
    Elf64_Sym symbol;
    return find_symbol(image, name, true, &symbol) ? symbol.st_size : 0;
}

bool elf_wants(const struct elf_image *image, const char *name)
{
    Elf64_Sym symbol;
    return find_symbol(image, name, false, &symbol);
}

void elf_drop_execute(struct elf_image *image)
{
    Elf64_Ehdr header;
    if (!header_of(image, &header))
        return;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr program;
        uint8_t *place = image->bytes + header.e_phoff + i * sizeof program;
        memcpy(&program, place, sizeof program);
        if (program.p_flags & PF_W)
            program.p_flags &= ~(uint32_t)PF_X;
        memcpy(place, &program, sizeof program);
    }
    for (unsigned i = 0; i < image->segment_count; i++)
        image->segment[i].execute &= !image->segment[i].write;
}

bool elf_write(const struct elf_image *image, const char *path)
{
    FILE *file = fopen(path, "wbe");
    if (!file)
        return false;
    bool whole = fwrite(image->bytes, 1, image->size, file) == image->size;
    return fclose(file) == 0 && whole;
}
