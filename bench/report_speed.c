/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_speed: takes in one report again and again for about some
 * milliseconds, and prints how many per second.
 *
 *     report_speed read  FILE MS         unpack and read, as in digest's child
 *     report_speed store FILE MS MOATD   spool/new -> child -> rows ->
 *                                        spool/done, all synced, each with an
 *                                        id of its own; MOATD is the child
 *
 * FILE holds JSON or gzip; for store, JSON with the text REPORT-ID in it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "intake/digest.h"
#include "intake/digest_later.h"
#include "intake/unpack.h"
#include "io/gzip.h"

#include "base/poison.h"

#define FILE_MAX ((size_t)1 << 20)
#define ARENA_MAX ((size_t)64 << 20)
#define BATCH 200u /* reports put into the spool at a time, not measured */

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

/* The report with REPORT-ID replaced, packed as senders do. */
static struct str numbered(struct arena *a, struct str text, unsigned long n)
{
	struct str mark = STR("REPORT-ID"), packed;
	struct sbuf b = sbuf_arena(a, FILE_MAX + 64);
	size_t at = 0;

	while (at < text.n && !str_starts(str_from(text, at), mark))
		at++;
	sbuf_add(&b, str_upto(text, at));
	sbuf_fmt(&b, "%lu", n);
	sbuf_add(&b, str_from(text, at + mark.n));
	BUG(at == text.n || gzip_pack(a, sbuf_str(&b), &packed) != ST_OK);
	return packed;
}

static void fill_spool(
	struct spool *spool, struct arena *a, struct str text, unsigned long n)
{
	struct spool_meta meta = { .source = SPOOL_IMPORT,
		.received = { 1000 } };
	struct err e = {};

	for (unsigned i = 0; i < BATCH; i++) {
		arena_reset(a);
		must(spool_stage(spool, &meta, numbered(a, text, n + i), NULL,
			     NULL, &e),
			&e);
	}
	must(spool_sync(spool, &e), &e);
}

static double stores_per_s(
	struct str text, double seconds, const char *moatd, const char *dir)
{
	struct digest_reader_options options = {
		.program = moatd,
		.max_reads = DIGEST_READS_MAX,
		.time_ms = 20000,
	};
	struct spool_limits limits = SPOOL_LIMITS_DEFAULT;
	struct digest d = {
		.reader = digest_reader_new(&options),
		.later = digest_later_new(),
		.clock = clock_system(),
	};
	struct arena *a = arena_must(ARENA_MAX), *paths = arena_must(0);
	unsigned long n = 0;
	struct err e = {};
	double spent = 0;
	size_t done;

	must(store_open(arena_fmt(paths, "%s/moat.db", dir).p, &d.store, &e),
		&e);
	must(spool_open(arena_fmt(paths, "%s/spool", dir).p, &limits, &d.spool,
		     &e),
		&e);
	while (spent < seconds) {
		double start;

		fill_spool(d.spool, a, text, n);
		start = now_s();
		must(digest_run(&d, BATCH, &done, &e), &e);
		spent += now_s() - start;
		BUG(done != BATCH);
		n += done;
	}
	digest_later_free(&d.later);
	digest_reader_free(&d.reader);
	spool_close(&d.spool);
	store_close(&d.store);
	arena_free(&paths);
	arena_free(&a);
	return (double)n / spent;
}

int main(int argc, char **argv)
{
	struct arena *a = arena_must(0);
	char dir[] = "/tmp/moat-bench-XXXXXX";
	uint32_t ms = 0;
	struct str raw;
	double rate;
	bool store;

	store = argc == 5 && strcmp(argv[1], "store") == 0;
	if ((!store && (argc != 4 || strcmp(argv[1], "read") != 0)) ||
		num_u32(str_of(argv[3]), 1, 60000, &ms) != ST_OK) {
		(void)fprintf(stderr, "usage: report_speed read FILE MS | "
				      "store FILE MS MOATD\n");
		return 64;
	}
	log_set_level(LOG_ERROR);
	raw = read_file(a, argv[2]);
	if (!store) {
		rate = reads_per_s(raw, ms / 1000.0);
	} else {
		BUG(mkdtemp(dir) == NULL);
		rate = stores_per_s(raw, ms / 1000.0, argv[4], dir);
		BUG(system(arena_fmt(a, "rm -r %s", dir).p) != 0);
	}
	(void)printf("%.1f\n", rate);
	arena_free(&a);
	return 0;
}
