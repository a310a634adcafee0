"""C for a model of sound that listens all the time: samples go into a ring, answers come out at regular steps.

The answers are means over the last few, which is what steadies a keyword spotter (Chen, Parada and Heigold 2014,
"Small-footprint keyword spotting using deep neural networks").
"""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smidgen.compiler.ir import Program

PARTS = 4  # answers while one window goes by
HEADER = Template("""\
/* A stream of samples in, answers of $name out. Made by smidgen with $name.c. */
#ifndef ${NAME}_STREAM_H
#define ${NAME}_STREAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ${NAME}_STREAM_WINDOW $window /* samples that an answer is about */
#define ${NAME}_STREAM_OUTPUTS $outputs

/* Samples from one answer to the next, and how many answers a mean is made of. Define them otherwise wherever
   this is included to answer more often, or more calmly. */
#ifndef ${NAME}_STREAM_HOP
#define ${NAME}_STREAM_HOP $hop
#endif
#ifndef ${NAME}_STREAM_MEAN
#define ${NAME}_STREAM_MEAN $mean
#endif

struct ${name}_stream {
    int16_t ring[${NAME}_STREAM_WINDOW];
    float recent[${NAME}_STREAM_MEAN][${NAME}_STREAM_OUTPUTS];
    int at;      /* where in the ring the next sample goes */
    int missing; /* samples before the next answer */
    uint32_t answers;
};

/* Is called with the mean of the last answers, ${NAME}_STREAM_OUTPUTS numbers. */
typedef void ${name}_heard(const float *outputs, void *context);

/* Silence: the first answer comes after one whole window. */
void ${name}_stream_start(struct ${name}_stream *stream);

/* Takes any count of samples, at the rate of the model; the model runs as often as it is due, within this call. Returns
   how many answers there were. It uses the arena of $name.c: one thread at a time. */
int ${name}_stream_push(struct ${name}_stream *stream, const int16_t *samples, int count, ${name}_heard *heard,
                        void *context);

#ifdef __cplusplus
}
#endif
#endif
""")
BODY = Template("""\
/* Made by smidgen: see ${name}_stream.h for how to call it. */
#include "${name}_stream.h"
#include "$name.h"

#include <string.h>

void ${name}_stream_start(struct ${name}_stream *stream)
{
    memset(stream, 0, sizeof *stream);
    stream->missing = ${NAME}_STREAM_WINDOW;
}

static void answer(struct ${name}_stream *stream, ${name}_heard *heard, void *context)
{
    int16_t *const input = (int16_t *)${name}_input();
    const int older = ${NAME}_STREAM_WINDOW - stream->at;
    memcpy(input, stream->ring + stream->at, sizeof *input * (size_t)older);
    memcpy(input + older, stream->ring, sizeof *input * (size_t)stream->at);
    ${name}_run(input, stream->recent[stream->answers % ${NAME}_STREAM_MEAN]);
    stream->answers++;
    const uint32_t count = stream->answers < ${NAME}_STREAM_MEAN ? stream->answers : ${NAME}_STREAM_MEAN;
    float mean[${NAME}_STREAM_OUTPUTS];
    for (int i = 0; i < ${NAME}_STREAM_OUTPUTS; i++) {
        mean[i] = 0;
        for (uint32_t j = 0; j < count; j++) {
            mean[i] += stream->recent[j][i] / (float)count;
        }
    }
    heard(mean, context);
}

int ${name}_stream_push(struct ${name}_stream *stream, const int16_t *samples, int count, ${name}_heard *heard,
                        void *context)
{
    int answers = 0;
    while (count > 0) {
        const int room = ${NAME}_STREAM_WINDOW - stream->at;
        int taken = count < room ? count : room;
        taken = taken < stream->missing ? taken : stream->missing;
        memcpy(stream->ring + stream->at, samples, sizeof *samples * (size_t)taken);
        stream->at = (stream->at + taken) % ${NAME}_STREAM_WINDOW;
        stream->missing -= taken;
        samples += taken;
        count -= taken;
        if (stream->missing == 0) {
            stream->missing = ${NAME}_STREAM_HOP;
            answer(stream, heard, context);
            answers++;
        }
    }
    return answers;
}
""")


def files(program: Program, name: str) -> dict[str, str]:
    """The content of NAME_stream.h and NAME_stream.c; of none where the model does not take a row of 16-bit samples."""
    if len(program.inputs) != 1 or len(program.outputs) != 1:
        return {}
    x, y = program.values[program.inputs[0]], program.values[program.outputs[0]]
    if (x.dtype, len(x.shape), y.dtype, len(y.shape)) != ("int16", 1, "float32", 1):
        return {}
    words = {
        "name": name,
        "NAME": name.upper(),
        "window": x.count,
        "outputs": y.count,
        "hop": max(1, x.count // PARTS),
        "mean": PARTS - 1,
    }
    return {f"{name}_stream.h": HEADER.substitute(words), f"{name}_stream.c": BODY.substitute(words)}
