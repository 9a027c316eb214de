/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_writer: the writing side of the view, for one process (see view_lock).
 *
 *     view_writer_open or view_writer_create
 *     view_writer_begin · put, set ... · view_writer_commit
 *
 * A commit is seen by readers at once and survives a power cut. The writer
 * leaves VIEW_COMMIT_GAP_MS between two commits: the readers' safety rests on
 * it (docs/decisions/0003-view-readers.md).
 *
 * Status of put, set and commit: ST_OK; ST_LIMIT the file has reached
 * max_bytes; ST_INVALID a name that cannot be one, or a value too long; ST_TEMP
 * the disk failed; ST_PERM the file is damaged: build a new one. After any
 * failure the transaction is over and the file as it was before.
 */
#pragma once

#include "view/view.h"

#define VIEW_COMMIT_GAP_MS 50

struct view_writer;

struct view_writer_options {
	uint64_t max_bytes;   /* address space, and cap of the file's size */
	size_t journal_steps; /* how many commits IXFR can go back */
	int commit_gap_ms;    /* VIEW_COMMIT_GAP_MS; less in tests only */
	bool no_sync;	      /* tests: do not wait for the disk */
};

#define VIEW_WRITER_DEFAULTS                                                   \
	((struct view_writer_options){ .max_bytes = (uint64_t)16 << 30,        \
		.journal_steps = 1000,                                         \
		.commit_gap_ms = VIEW_COMMIT_GAP_MS })

/*
 * The right to write the view at path, until view_unlock. ST_AGAIN: another
 * process has it.
 */
enum status view_lock(const char *path, int *fd, struct err *e);
void view_unlock(int *fd);

/*
 * Goes on with the file at path. ST_NOTFOUND: there is none; ST_PERM: it is
 * damaged or of another format: build a new one.
 */
enum status view_writer_open(const char *path,
	const struct view_writer_options *opt, struct view_writer **out,
	struct err *e);

/*
 * A new file beside path, which view_writer_publish puts in its place; until
 * then readers keep the old one, and closing the writer removes it. One
 * transaction is open already. zone may be NULL: names are not served;
 * otherwise its origin, soa_ttl and soa are taken, and serial as the first one.
 */
enum status view_writer_create(const char *path,
	const struct view_writer_options *opt, const struct view_zone *zone,
	struct view_writer **out, struct err *e);
enum status view_writer_publish(struct view_writer *w, struct err *e);

/* Drops an open transaction. */
void view_writer_close(struct view_writer **w);

enum status view_writer_begin(struct view_writer *w, struct err *e);
/*
 * If records of the zone differ from what they were at the begin, the serial
 * goes up once and the step is kept for IXFR.
 */
enum status view_writer_commit(struct view_writer *w, struct err *e);
void view_writer_abort(struct view_writer *w);

/* NULL removes; removing what is not there is fine. */
enum status view_set_host(struct view_writer *w, struct str host,
	const struct view_host *h, struct err *e);
enum status view_set_label(struct view_writer *w, struct str label,
	const struct view_label *l, struct err *e);
/* n == 0 removes. The SOA of the origin is the writer's own business. */
enum status view_set_name(struct view_writer *w, struct str owner,
	const struct view_rrset *sets, size_t n, struct err *e);
/* What the transaction stands for. */
void view_set_applied(struct view_writer *w, int64_t seq);
/*
 * A text that tells by which settings the file was built; "" at first. It is
 * borrowed until the commit.
 */
void view_set_settings(struct view_writer *w, struct str settings);

/* As of the last commit. */
int64_t view_writer_applied(const struct view_writer *w);
struct str view_writer_settings(const struct view_writer *w);
uint32_t view_writer_serial(const struct view_writer *w); /* 0 without zone */
void view_writer_usage(
	const struct view_writer *w, uint64_t *used, uint64_t *max);

/*
 * Is the file at path still the one being written, and not cut off? Cheap.
 * ST_PERM: no.
 */
enum status view_writer_check(struct view_writer *w, struct err *e);

/*
 * Reads the whole file once: ST_PERM if anything in it is not as it was
 * written, or if the file at path is no longer the one being written.
 */
enum status view_writer_verify(struct view_writer *w, struct err *e);
