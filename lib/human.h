/*
 * human - sizes and durations as the docker CLI writes them, so that scripts which read its columns
 * read ours.
 */
#ifndef LIB_HUMAN_H
#define LIB_HUMAN_H

#include <stdint.h>

#define HUMAN_TEXT_MAX 32

/* Powers of 1000, `digits` significant ones: "7.81MB" with 3, as `docker images` has it. */
void human_size(char text[static HUMAN_TEXT_MAX], uint64_t bytes, int digits);

/* "Less than a second", "5 seconds", "About a minute", "3 hours", "2 weeks" ... */
void human_duration(char text[static HUMAN_TEXT_MAX], int64_t ns);

#endif
