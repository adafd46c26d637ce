/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The topology as one self-contained SVG: three bands, the request's way along the top, the
 * reply's back along the bottom, the monitor below. Boxes stand in fixed places; every arrow,
 * label and dot comes from the links, regions and channels.
 */
#include <string.h>

#include "topology/markup.h"
#include "topology/topology.h"

#define WIDTH  1200
#define HEIGHT 586

#define BAND_TOP    64
#define BAND_BOTTOM 478
#define BOX_HEIGHT  68
#define REQUEST_ROW 128 /* top of the boxes of each row */
#define REPLY_ROW   268
#define MONITOR_ROW 408

enum column { EXT_NIC, EXT_FRONT, LEFT, MIDDLE, RIGHT, INT_FRONT, INT_NIC, COLUMNS };
static const struct {
    int x, width;
} columns[COLUMNS] = {
    [EXT_NIC] = {32, 100}, [EXT_FRONT] = {194, 108}, [LEFT] = {384, 104},     [MIDDLE] = {548, 104},
    [RIGHT] = {712, 104},  [INT_FRONT] = {898, 108}, [INT_NIC] = {1068, 100},
};

struct band {
    const char *title, *text;
    int x, width;
    const char *ground, *line, *box, *ink;
};
static const struct band bands[] = {
    [SL_SIDE_EXT] = {"external", "untrusted network", 16, 300, "#fff8ef", "#e7a556", "#ffe9cf",
                     "#8a4a06"},
    [SL_SIDE_CORE] = {"core", "decode, decide, encode anew", 326, 548, "#f1f6fd", "#6f97cf",
                      "#ffffff", "#1f3f77"},
    [SL_SIDE_INT] = {"internal", "control network", 884, 300, "#f0faf2", "#62ad78", "#d8f1de",
                     "#14592c"},
};

struct box {
    int x, y, width, height;
};

static void put_text(int x, int y, const char *class, const char *ink, const char *text, FILE *out)
{
    fprintf(out, "<text class=\"%s\" x=\"%d\" y=\"%d\"", class, x, y);
    if (ink)
        fprintf(out, " style=\"fill:%s\"", ink);
    fputc('>', out);
    put_markup_text(out, text);
    fputs("</text>\n", out);
}

static enum column column_of(const struct topology_component *component)
{
    switch (component->program) {
    case PROGRAM_NIC_DRV:
        return component->side == SL_SIDE_EXT ? EXT_NIC : INT_NIC;
    case PROGRAM_SOURCE:
        return EXT_NIC;
    case PROGRAM_SINK:
        return INT_NIC;
    case PROGRAM_EXT_FRONTEND:
    case PROGRAM_STREAM_FRONTEND:
        return EXT_FRONT;
    case PROGRAM_INT_FRONTEND:
        return INT_FRONT;
    case PROGRAM_PARSER_NORM:
        return component->direction == SL_REQUEST ? LEFT : RIGHT;
    case PROGRAM_POLICY_EMIT:
    case PROGRAM_MONITOR:
        break;
    }
    return MIDDLE;
}

static struct box box_of(const struct topology_component *component)
{
    enum column column = column_of(component);
    struct box box = {columns[column].x, REQUEST_ROW, columns[column].width, BOX_HEIGHT};
    switch (component->program) {
    case PROGRAM_MONITOR:
        box.x = columns[LEFT].x;
        box.width = columns[RIGHT].x + columns[RIGHT].width - box.x;
        box.y = MONITOR_ROW;
        box.height = 52;
        break;
    case PROGRAM_PARSER_NORM:
    case PROGRAM_POLICY_EMIT:
        box.y = component->direction == SL_REQUEST ? REQUEST_ROW : REPLY_ROW;
        break;
    case PROGRAM_NIC_DRV:
    case PROGRAM_EXT_FRONTEND:
    case PROGRAM_INT_FRONTEND:
    case PROGRAM_SOURCE:
    case PROGRAM_STREAM_FRONTEND:
    case PROGRAM_SINK:
        box.height = REPLY_ROW + BOX_HEIGHT - REQUEST_ROW; /* serves both rows */
        break;
    }
    return box;
}

static const char *role(enum topology_program program)
{
    static const char *const roles[] = {
        [PROGRAM_NIC_DRV] = "moves frames",
        [PROGRAM_EXT_FRONTEND] = "TCP/IP server",
        [PROGRAM_INT_FRONTEND] = "TCP/IP client",
        [PROGRAM_PARSER_NORM] = "strict decode",
        [PROGRAM_POLICY_EMIT] = "decides, encodes",
        [PROGRAM_MONITOR] = "",
        [PROGRAM_SOURCE] = "makes requests",
        [PROGRAM_STREAM_FRONTEND] = "framing",
        [PROGRAM_SINK] = "counts",
    };
    return roles[program];
}

static uint32_t link_bytes(const struct topology *topology, unsigned link)
{
    uint32_t bytes = 0;
    for (unsigned i = 0; i < topology->region_count; i++)
        if (topology->region[i].link == link)
            bytes += topology->region[i].size;
    return bytes;
}

static void size_text(uint32_t bytes, char text[24])
{
    if (bytes < 10u << 20)
        snprintf(text, 24, "%u KiB", bytes / 1024);
    else
        snprintf(text, 24, "%u MiB", bytes >> 20);
}

static void draw_style(FILE *out)
{
    fputs("<style>\n"
          "text { font-family: Helvetica, Arial, 'DejaVu Sans', sans-serif; fill: #24303f; }\n"
          ".title { font-size: 20px; font-weight: bold; }\n"
          ".note { font-size: 12px; fill: #55626f; }\n"
          ".right { text-anchor: end; }\n"
          ".band { font-size: 15px; font-weight: bold; }\n"
          ".about { font-size: 11.5px; }\n"
          ".name { font-size: 13px; font-weight: bold; text-anchor: middle; }\n"
          ".role { font-size: 11px; text-anchor: middle; }\n"
          ".label { font-size: 11px; text-anchor: middle; paint-order: stroke; stroke-width: 4px; "
          "stroke-linejoin: round; }\n"
          ".ring { stroke: #2f5fa8; stroke-width: 2.2; fill: none; }\n"
          ".oneway { stroke: #7a3fb0; stroke-width: 2.2; fill: none; }\n"
          ".frames { stroke: #59636e; stroke-width: 2.2; fill: none; }\n"
          ".audit { stroke: #8b97a5; stroke-width: 1.2; stroke-dasharray: 4 3; fill: none; }\n"
          "</style>\n<defs>\n",
          out);
    static const char *const heads[][2] = {
        {"ring", "#2f5fa8"}, {"oneway", "#7a3fb0"}, {"frames", "#59636e"}, {"audit", "#8b97a5"}};
    for (unsigned i = 0; i < 4; i++)
        fprintf(out,
                "<marker id=\"%s\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" "
                "markerUnits=\"userSpaceOnUse\" markerWidth=\"%d\" markerHeight=\"%d\" "
                "orient=\"auto\"><path d=\"M0 0.5L10 5L0 9.5z\" fill=\"%s\"/></marker>\n",
                heads[i][0], i == 3 ? 8 : 11, i == 3 ? 8 : 11, heads[i][1]);
    fputs("</defs>\n", out);
}

/* What stands where the side's band is: with clients inside the two networks change places. */
static const struct band *look_of(const struct topology *topology, unsigned side)
{
    const bool turned = topology->clients_inside && side != SL_SIDE_CORE;
    return &bands[turned ? SL_SIDE_EXT + SL_SIDE_INT - side : side];
}

static void draw_bands(const struct topology *topology, FILE *out)
{
    for (unsigned side = 0; side < sizeof(bands) / sizeof(*bands); side++) {
        const struct band *band = &bands[side], *look = look_of(topology, side);
        fprintf(out,
                "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"12\" fill=\"%s\" "
                "stroke=\"%s\" stroke-opacity=\"0.55\"/>\n",
                band->x, BAND_TOP, band->width, BAND_BOTTOM - BAND_TOP, look->ground, look->line);
        put_text(band->x + 16, BAND_TOP + 24, "band", look->ink, look->title, out);
        put_text(band->x + 16, BAND_TOP + 41, "about", look->ink, look->text, out);
    }
}

static void draw_component(const struct topology *topology,
                           const struct topology_component *component, FILE *out)
{
    const struct box box = box_of(component);
    const struct band *band = look_of(topology, component->side);
    const char *fill = component->breaks_path ? "#2f5fa8" : band->box;
    const char *ink = component->breaks_path ? "#ffffff" : band->ink;
    int x = box.x + box.width / 2, y = box.y + box.height / 2;
    const char *name = component->name;

    fprintf(out,
            "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"9\" fill=\"%s\" "
            "stroke=\"%s\" stroke-width=\"1.6\"/>\n",
            box.x, box.y, box.width, box.height, fill,
            component->breaks_path ? "#1f3f77" : band->line);
    if (component->program == PROGRAM_MONITOR) {
        unsigned rings = 0, bytes = 0;
        char size[24], text[96];
        for (unsigned i = 0; i < topology->link_count; i++) {
            if (&topology->component[topology->link[i].to] != component)
                continue;
            rings++;
            bytes += link_bytes(topology, i);
        }
        size_text(bytes, size);
        snprintf(text, sizeof(text), "%u one-way audit rings, %s in all; nothing inside reads it",
                 rings, size);
        put_text(x, y - 3, "name", ink, name, out);
        put_text(x, y + 14, "role", ink, text, out);
        return;
    }
    /* "request_parser_norm" is the request's parser_norm: two lines. */
    const char *instance =
        component->program == PROGRAM_PARSER_NORM || component->program == PROGRAM_POLICY_EMIT
            ? strchr(name, '_')
            : NULL;
    if (instance) {
        put_text(x, y - 14, "role", ink, component->direction == SL_REQUEST ? "request" : "reply",
                 out);
        name = instance + 1;
    }
    put_text(x, instance ? y + 3 : y - 2, "name", ink, name, out);
    put_text(x, instance ? y + 20 : y + 16, "role", ink, role(component->program), out);
}

/* Whether the link's producer may wake its consumer. */
static bool notifies(const struct topology *topology, const struct topology_link *link)
{
    for (unsigned i = 0; i < topology->channel_count; i++)
        for (unsigned end = 0; end < 2; end++)
            if (topology->channel[i].end[end] == link->from &&
                topology->channel[i].end[1 - end] == link->to && topology->channel[i].notifies[end])
                return true;
    return false;
}

static const char *const kind_class[] = {
    [LINK_MESSAGE_RING] = "ring", [LINK_ONEWAY_RING] = "oneway", [LINK_FRAME_QUEUE] = "frames"};

static void draw_dot(const char *class, int x, int y, FILE *out)
{
    fprintf(out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"3.4\" style=\"fill:#fff\"/>\n",
            class, x, y);
}

static void draw_arrow(const struct topology *topology, const struct topology_link *link, int x1,
                       int y1, int x2, int y2, FILE *out)
{
    const char *class = kind_class[link->kind];
    fprintf(out, "<path class=\"%s\" marker-end=\"url(#%s)\" d=\"M%d %dL%d %d\"><title>", class,
            class, x1, y1, x2, y2);
    put_markup_text(out, link->name);
    fputs("</title></path>\n", out);
    int right = (x2 > x1) - (x2 < x1), down = (y2 > y1) - (y2 < y1);
    if (notifies(topology, link))
        draw_dot(class, x1 + 5 * right, y1 + 5 * down, out);
}

static void draw_label(const struct topology *topology, unsigned number, int x, int y,
                       const char *ground, FILE *out)
{
    static const char *const kinds[] = {[LINK_MESSAGE_RING] = "ring",
                                        [LINK_ONEWAY_RING] = "one-way",
                                        [LINK_FRAME_QUEUE] = "frames"};
    char size[24];
    size_text(link_bytes(topology, number), size);
    fprintf(out,
            "<text class=\"label\" stroke=\"%s\" x=\"%d\" y=\"%d\">%s<tspan x=\"%d\" "
            "dy=\"13\">%s</tspan></text>\n",
            ground, x, y, kinds[topology->link[number].kind], x, size);
}

/* The two policy_emit stand one above the other; each way has its own half of the gap. */
static void draw_peers(const struct topology *topology, unsigned number, const struct box *from,
                       const struct box *to, FILE *out)
{
    const struct topology_link *link = &topology->link[number];
    bool down = from->y < to->y;
    int x = from->x + from->width / 2 + (down ? -13 : 13);
    int y1 = down ? from->y + from->height : from->y;
    int y2 = down ? to->y : to->y + to->height;
    draw_arrow(topology, link, x, y1, x, y2, out);
    draw_label(topology, number, x + (down ? -27 : 27), (y1 + y2) / 2 - 3,
               bands[SL_SIDE_CORE].ground, out);
}

static void draw_hop(const struct topology *topology, unsigned number, FILE *out)
{
    const struct topology_link *link = &topology->link[number];
    const struct topology_component *source = &topology->component[link->from];
    const struct topology_component *target = &topology->component[link->to];
    const struct box from = box_of(source), to = box_of(target);
    if (column_of(source) == column_of(target)) {
        draw_peers(topology, number, &from, &to, out);
        return;
    }
    bool right = from.x < to.x;
    int y = (right ? REQUEST_ROW : REPLY_ROW) + BOX_HEIGHT / 2;
    int x1 = right ? from.x + from.width : from.x;
    int x2 = right ? to.x : to.x + to.width;
    draw_arrow(topology, link, x1, y, x2, y, out);

    /* A way across is labelled on the core's ground: over the column that it passes, or between
     * the core's edge and its outermost box. */
    const struct band *ground = look_of(topology, source->side);
    int middle = (x1 + x2) / 2;
    if (source->side != target->side) {
        const struct topology_component *inner = source->side == SL_SIDE_CORE ? source : target;
        const struct box box = inner == source ? from : to;
        ground = &bands[SL_SIDE_CORE];
        if (column_of(inner) == MIDDLE)
            middle = columns[right ? RIGHT : LEFT].x + columns[RIGHT].width / 2;
        else if (column_of(inner) == LEFT)
            middle = (ground->x + box.x) / 2;
        else
            middle = (box.x + box.width + ground->x + ground->width) / 2;
    }
    draw_label(topology, number, middle, y - 22, ground->ground, out);
}

/* Audit rings leave below and go down to the monitor, past whatever stands between. */
static void draw_audit(const struct topology *topology, const struct topology_link *link, FILE *out)
{
    const struct topology_component *source = &topology->component[link->from];
    const struct box from = box_of(source), to = box_of(&topology->component[link->to]);
    int bottom = from.y + from.height, x = from.x + from.width / 2;

    fputs("<path class=\"audit\" marker-end=\"url(#audit)\" d=\"", out);
    if (source->side != SL_SIDE_CORE) {
        bool left = source->side == SL_SIDE_EXT;
        int y = to.y + (source->program == PROGRAM_NIC_DRV ? 35 : 17);
        int turn = left ? 10 : -10, end = left ? to.x : to.x + to.width;
        fprintf(out, "M%d %dV%dQ%d %d %d %dH%d", x, bottom, y - 10, x, y, x + turn, y, end);
    } else if (source->program == PROGRAM_POLICY_EMIT && source->direction == SL_REQUEST) {
        int y = from.y + BOX_HEIGHT - 14, beside = from.x - 18;
        fprintf(out, "M%d %dH%dQ%d %d %d %dV%d", from.x, y, beside + 8, beside, y, beside, y + 8,
                to.y);
    } else {
        if (source->direction == SL_REQUEST)
            x = from.x + 16; /* clear of the label below */
        fprintf(out, "M%d %dV%d", x, bottom, to.y);
    }
    fputs("\"><title>", out);
    put_markup_text(out, link->name);
    fputs("</title></path>\n", out);
}

static void draw_links(const struct topology *topology, FILE *out)
{
    for (unsigned i = 0; i < topology->link_count; i++)
        if (topology->component[topology->link[i].to].program == PROGRAM_MONITOR)
            draw_audit(topology, &topology->link[i], out);
    for (unsigned i = 0; i < topology->link_count; i++)
        if (topology->component[topology->link[i].to].program != PROGRAM_MONITOR)
            draw_hop(topology, i, out);
}

static void draw_key(int x, int y, const char *class, const char *text, FILE *out)
{
    fprintf(out, "<path class=\"%s\" marker-end=\"url(#%s)\" d=\"M%d %dH%d\"/>\n", class, class, x,
            y - 4, x + 34);
    put_text(x + 44, y, "note", NULL, text, out);
}

static void draw_legend(const struct topology *topology, FILE *out)
{
    int y = BAND_BOTTOM + 32;
    draw_key(20, y, "ring", "message ring: each end writes only its own half", out);
    draw_key(20, y + 26, "frames", "frame queue, within one side", out);
    draw_key(400, y, "audit", "one-way audit ring: nothing flows back", out);
    if (topology->mode == SL_ONE_WAY)
        draw_key(400, y + 26, "oneway", "one-way ring: the only way from core to internal", out);
    int x = topology->mode == SL_ONE_WAY ? 780 : 400,
        dot = topology->mode == SL_ONE_WAY ? y : y + 26;
    draw_dot("ring", x + 17, dot - 4, out);
    put_text(x + 44, dot, "note", NULL, "the producer may wake the consumer", out);
    int key = topology->mode == SL_ONE_WAY ? y + 26 : y;
    fprintf(out,
            "<rect x=\"782\" y=\"%d\" width=\"30\" height=\"14\" rx=\"4\" fill=\"#2f5fa8\" "
            "stroke=\"#1f3f77\"/>\n",
            key - 11);
    put_text(824, key, "note", NULL, "breaks the path: there is no other way across", out);

    fputs("<text class=\"note\" x=\"20\" y=\"566\">Trusted, beyond the flow rule: ", out);
    for (unsigned i = 0; i < topology->trusted_count; i++) {
        fputs(i ? ", " : "", out);
        put_markup_text(out, topology->trusted[i].name);
    }
    fputs(". Sizes are those of the shared regions.</text>\n", out);
}

void topology_draw(const struct topology *topology, FILE *out)
{
    uint32_t bytes = 0;
    char summary[128], size[24];
    const char *title = topology->mode == SL_ONE_WAY ? "Sluice, one-way" : "Sluice, two-way";
    for (unsigned i = 0; i < topology->region_count; i++)
        bytes += topology->region[i].size;
    size_text(bytes, size);
    snprintf(summary, sizeof(summary), "%u components, %u channels, %u shared regions of %s in all",
             topology->component_count, topology->channel_count, topology->region_count, size);

    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\">\n<title>%s: components and what joins them</title>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT, title);
    draw_style(out);
    fprintf(out, "<rect width=\"%d\" height=\"%d\" rx=\"8\" fill=\"#ffffff\"/>\n", WIDTH, HEIGHT);
    put_text(20, 40, "title", NULL, title, out);
    put_text(WIDTH - 20, 40, "note right", NULL, summary, out);
    draw_bands(topology, out);
    draw_links(topology, out);
    for (unsigned i = 0; i < topology->component_count; i++)
        draw_component(topology, &topology->component[i], out);
    draw_legend(topology, out);
    fputs("</svg>\n", out);
}
