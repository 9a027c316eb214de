/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_speed FILE MS: unpacks and reads one report again and again for about
 * MS milliseconds, as digest's child does, and prints how many per second. FILE
 * holds JSON or gzip.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "intake/unpack.h"

#include "base/poison.h"

#define FILE_MAX ((size_t)1 << 20)
#define ARENA_MAX ((size_t)64 << 20)

static void must(enum status st, const struct err *e)
{
	if (st == ST_OK)
		return;
	(void)fprintf(stderr, "report_speed: %s\n", e->text);
	exit(EXIT_FAILURE);
}

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct str read_file(struct arena *a, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *p = arena_alloc(a, FILE_MAX);
	ssize_t n = fd < 0 ? -1 : read(fd, p, FILE_MAX);

	if (n <= 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	(void)close(fd);
	return (struct str){ p, (size_t)n };
}

static double reads_per_s(struct str raw, double seconds)
{
	struct arena *a = arena_must(ARENA_MAX);
	double start = now_s(), spent = 0;
	struct unpacked_reports found;
	unsigned long n = 0;
	struct err e = {};

	while (spent < seconds) {
		for (int i = 0; i < 50; i++, n++) {
			arena_reset(a);
			must(unpack_reports(a, raw, &found, &e), &e);
		}
		spent = now_s() - start;
	}
	arena_free(&a);
	return (double)n / spent;
}

int main(int argc, char **argv)
{
	struct arena *a = arena_must(0);
	uint32_t ms = 0;

	if (argc != 3 || num_u32(str_of(argv[2]), 1, 60000, &ms) != ST_OK) {
		(void)fprintf(stderr, "usage: report_speed FILE MS\n");
		return 64;
	}
	(void)printf("%.1f\n", reads_per_s(read_file(a, argv[1]), ms / 1000.0));
	arena_free(&a);
	return 0;
}
