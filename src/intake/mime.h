/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mime: finds TLS reports in a mail (RFC 8460 section 5.3): by media type or
 * file name, whatever else the mail carries and however it is wrapped.
 *
 * The mail parser is a large library. Call this only in the sandboxed child
 * of digest, or in the command line of a user who named the file.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "proto/tlsrpt_report.h"

struct mime_part {
	struct str name;  /* file name, or the media type if it has none */
	struct str bytes; /* decoded: JSON, gzip, or what it turned out to be */
	bool sure;	  /* the media type or name is that of a TLS report */
};

struct mime_parts {
	struct mime_part *items;
	size_t n, cap;
};

struct mime_mail {
	struct mime_parts parts;   /* candidates, the sure ones first */
	struct tlsrpt_hints hints; /* of the header and the file name */
	bool quoted;	  /* one is in a mail within the mail, as in a bounce */
	bool behind_text; /* where they begin is for the header to say */
	/* The one mail within the mail that all parts are in, as it was sent
	 * on; p == NULL: there is none. */
	struct str inner;
};

/* Loads what the parser may need later, before a sandbox closes. */
void mime_prepare(void);

/* Does it begin like a mail: a header field or an mbox line? */
bool mime_looks_like(struct str s);

/*
 * Reads a mail; everything in out lives in a. ST_INVALID: no report in it;
 * ST_LIMIT: too many or too deeply nested parts, or memory.
 */
enum status mime_read(
	struct arena *a, struct str mail, struct mime_mail *out, struct err *e);
