/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack: bytes of unknown kind to TLS reports. What they are is told by
 * looking at them, never by what a sender called them: JSON, gzip (also of
 * gzip), zip, or a mail with any of these inside.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "proto/tlsrpt_report.h"

/*
 * Reads a mail of our own, so that what the libraries do the first time has
 * been done, and before a sandbox closes.
 */
void unpack_prepare(void);

struct unpacked_text {
	struct str name; /* of the mail part; empty if it was no mail */
	struct str json; /* not yet parsed */
	bool sure;	 /* it was meant to be a report */
};

struct unpacked {
	struct unpacked_text *items; /* TLSRPT_TEXTS_MAX at most */
	size_t n, cap;
	struct tlsrpt_hints hints;
	struct str mail;	  /* the mail they came in; p == NULL: none */
	bool quoted, behind_text; /* as in struct mime_mail */
};

/*
 * Finds the JSON texts in raw; everything lives in a. ST_INVALID: none can be
 * found, err says why; ST_LIMIT: a cap of tlsrpt_limits.h, or memory.
 */
enum status unpack(
	struct arena *a, struct str raw, struct unpacked *out, struct err *e);

struct unpacked_reports {
	struct tlsrpt_report **items;
	size_t n, cap;
	struct str mail;      /* as in struct unpacked */
	struct str submitter; /* whom the mail's header names; may be empty */
	bool quoted, behind_text; /* as in struct mime_mail */
};

/*
 * Finds and reads all reports in raw. ST_OK: at least one was read. Otherwise
 * err is about the first text that was meant to be one.
 */
enum status unpack_reports(struct arena *a, struct str raw,
	struct unpacked_reports *out, struct err *e);
