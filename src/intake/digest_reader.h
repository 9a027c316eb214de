/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_reader: hands raw reports to a sandboxed child (digest_child.h) and
 * takes normalised ones back. The child is started when it is needed, used for
 * some reports, and replaced; one that dies or stalls takes only its report
 * with it.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "intake/dkim.h"
#include "proto/tlsrpt_report.h"

/*
 * A report that takes its child over could answer for all that the child reads
 * after it, so a child ends when no report waits, and after so many. A new one
 * costs some 15 ms, a report 0.4 ms: bench/report loses an eighth of its rate
 * with 200 reports to a child, which its rounds hardly tell, with 100 two
 * fifths.
 */
#define DIGEST_READS_MAX 200u

struct digest_reader;

struct digest_reader_options {
	const char *program; /* run as "PROGRAM --role digest-child" with the
				socket as standard input; NULL: only fork */
	unsigned max_reads;  /* then a new child */
	int time_ms;	     /* for one report, look-ups of keys apart */
	dkim_key_fn *key;    /* NULL: there are no keys */
	void *key_ctx;
};

struct digest_reports {
	struct tlsrpt_report **items;
	struct str *quirks; /* of each, as names with commas */
	size_t n;
	bool is_mail;
	struct str submitter; /* whom the mail's header names; may be empty */
	struct dkim_signatures signatures; /* of the mail */
};

struct digest_reader *digest_reader_new(
	const struct digest_reader_options *options);
/* Ends the child. */
void digest_reader_free(struct digest_reader **r);

/*
 * Reads raw, which was received then; reports live in a. ST_INVALID, ST_LIMIT:
 * it cannot be read, err says why (also when it killed two children in a row);
 * ST_TEMP: no child can be started, or none gets ready.
 */
enum status digest_reader_read(struct digest_reader *r, struct arena *a,
	struct str raw, struct unix_time received, struct digest_reports *out,
	struct err *e);

/* What is worth reading at once: so many, or bytes of them. */
#define DIGEST_READ_FILES 64u
#define DIGEST_READ_BYTES ((size_t)1 << 20)

struct digest_item {
	struct arena *arena; /* where its reports will live */
	struct str raw;
	struct unix_time received;
	/* What came of it: ST_OK, or ST_INVALID or ST_LIMIT and why. */
	enum status st;
	struct err err;
	struct digest_reports reports;
};

/* As digest_reader_read, each of n. ST_TEMP: of no use is any. */
enum status digest_reader_read_all(struct digest_reader *r,
	struct digest_item *items, size_t n, struct err *e);

/* No report waits: the next one, whenever it comes, gets a new child. */
void digest_reader_rest(struct digest_reader *r);

/* Children started so far, for tests and the log. */
unsigned digest_reader_started(const struct digest_reader *r);
