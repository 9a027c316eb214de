/* SPDX-License-Identifier: Apache-2.0 */
/* load: what load generators share: options, CPU time, percentiles. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One of text, number and flag is not NULL, and is set by the option. */
struct load_option {
	char letter;
	const char *what; /* for the line about usage */
	const char **text;
	uint32_t *number; /* from min to max */
	uint32_t min, max;
	bool *flag;
};

#define LOAD_OPTIONS_MAX 32u

/* false, after a line about usage: there is no such option, or not so. */
bool load_options_read(int argc, char **argv, const char *program,
	const struct load_option *options, size_t n);

/* CPU time of this process so far. */
double load_cpu_seconds(void);

/* CPU time of a process so far, all its threads; 0 if not known. */
double load_server_seconds(uint32_t pid);

/* Sorts the samples; then load_sample gives the one at a part of them. */
void load_samples_sort(uint32_t *samples, size_t n);
double load_sample(const uint32_t *samples, size_t n, double part);
