/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dkim_keys: keys of DKIM signatures, for the parent of the sandboxed child.
 * First those of a file that an operator keeps, because senders withdraw keys
 * and reports are read again years later; then the DNS.
 *
 * The file has a key per line: its name, blanks, and the text of its record:
 *     sel._domainkey.x.example  v=DKIM1; k=rsa; p=...
 * The name in any case, with a dot at its end or none. Empty lines and lines
 * that begin with # do not count.
 *
 * Strangers choose the names, so that what they can make us wait is bounded:
 * a slow look-up shortens the patience with those that follow.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "io/resolver.h"

#define DKIM_KEYS_CACHED_MAX 10000u
#define DKIM_KEYS_FILE_BYTES_MAX ((size_t)4 << 20)
#define DKIM_KEYS_PATIENCE_MAX_MS 5000 /* for one look-up */
#define DKIM_KEYS_PATIENCE_MIN_MS 250
#define DKIM_KEYS_ALLOWANCE_MS                                                 \
	20000 /* for slow ones, a quarter of the time                          \
		 refills it */

struct dkim_keys;

/*
 * archive: the file, read now; "" or NULL: none. ST_PERM: it cannot be read;
 * ST_INVALID: a line of it is no key.
 */
enum status dkim_keys_open(const struct resolver_options *options,
	const char *archive, const struct clock *clock, struct dkim_keys **out,
	struct err *e);
void dkim_keys_close(struct dkim_keys **k);

/* A dkim_key_fn (dkim.h), with a struct dkim_keys as ctx. */
enum status dkim_keys_find(
	void *ctx, struct arena *a, struct str name, struct str *text);
