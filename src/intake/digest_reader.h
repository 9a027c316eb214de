/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_reader: hands raw reports to sandboxed children (digest_child.h) and
 * takes normalised ones back. Each batch has a child of its own, so that a
 * report that takes its child over could answer for those of its batch, and no
 * others. If a child dies, stalls or talks nonsense, nothing that it said
 * counts, and each report of its batch is read alone: one that takes down its
 * child then as well cannot be read.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "intake/digest_child.h"
#include "intake/digest_starter.h"
#include "intake/dkim.h"
#include "proto/tlsrpt_report.h"

struct digest_reader;

struct digest_reader_options {
	const char *program;	/* of the starter: see digest_starter.h */
	digest_child_fn *child; /* for tests, without a program */
	int time_ms;		/* for a batch, look-ups of keys apart */
	dkim_key_fn *key;	/* NULL: there are no keys */
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
/* Ends the child and its starter. */
void digest_reader_free(struct digest_reader **r);

struct digest_item {
	struct arena *arena; /* where its reports will live */
	struct str raw;
	struct unix_time received;
	/* What came of it: ST_OK; else ST_INVALID or ST_LIMIT, and err says
	 * why it cannot be read. */
	enum status st;
	struct err err;
	struct digest_reports reports;
};

/* What is worth handing over at once: so many, or bytes of them. */
#define DIGEST_READ_FILES DIGEST_BATCH_REPORTS
#define DIGEST_READ_BYTES DIGEST_BATCH_BYTES

/*
 * Reads the first of n reports, in batches of what is small and one by one what
 * is large; *done is how many, one at least. It may be less than n, so that
 * small files that become large ones do not fill the memory: not many more than
 * DIGEST_READ_MEMORY bytes of the arenas. ST_TEMP: no child can be started, or
 * none gets ready; none counts as read.
 */
#define DIGEST_READ_MEMORY ((size_t)32 << 20)
enum status digest_reader_read(struct digest_reader *r,
	struct digest_item *items, size_t n, size_t *done, struct err *e);

/* No report waits: see whether the starter is well. */
void digest_reader_rest(struct digest_reader *r);

/* Children started so far, for tests. */
unsigned digest_reader_started(const struct digest_reader *r);
