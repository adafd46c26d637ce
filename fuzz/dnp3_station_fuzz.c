/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gateway's own end of a link, against a neighbour who sends anything. The first byte says
 * which way it runs, whether CRCs are made right first, and what is known of the far side. Every
 * step goes on or waits for more, and an answer is a whole frame back to who asked.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dnp3_frames.h"
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/link.h"

static const struct sl_station stations[] = {
    {.master = 1, .outstation = 10},
    {.master = 2, .outstation = 11},
    {.master = 1, .outstation = 0xffff},
};

static void check_answer(enum sl_direction direction, const struct sl_link_step *step,
                         const uint8_t *asked)
{
    struct link_frame answer, question;
    enum sl_reason reason;
    require(step->answer_length == LINK_HEADER_SIZE);
    require(link_read_header(step->answer, LINK_HEADER_SIZE, &answer, &reason) == LINK_COMPLETE);
    require(link_read_header(asked, step->length, &question, &reason) == LINK_COMPLETE);
    require(answer.data_length == 0 && !(answer.control & LINK_PRM));
    require(!(answer.control & LINK_DIR) == (direction == SL_REQUEST));
    require(answer.source == question.destination && answer.destination == question.source);
    require(question.destination < LINK_FIRST_BROADCAST);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_size);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_size)
{
    if (input_size < 2)
        return 0;
    const enum sl_direction direction = input[0] & 1 ? SL_REPLY : SL_REQUEST;
    const struct sl_link_view view = {
        .far = (enum sl_link_far)(input[0] >> 2 & 3) % 3,
        .station_count = sizeof stations / sizeof stations[0],
        .station = stations,
    };
    struct sl_link_state state = {.next = 0};
    size_t size = input_size - 1;
    uint8_t *const copy = malloc(size), *data = copy;
    require(copy != NULL);
    memcpy(copy, input + 1, size);
    if (input[0] & 2)
        repair(copy, size);
    while (size) {
        const struct sl_link_step step = dnp3_link(direction, &view, &state, data, size);
        if (step.status == SL_LINK_MORE || step.status == SL_LINK_WAIT)
            break;
        require(step.length > 0 && step.length <= size);
        if (step.answer_length)
            check_answer(direction, &step, data);
        (void)dnp3_frame_traits(direction, data, size);
        data += step.length;
        size -= step.length;
    }
    free(copy);
    return 0;
}
