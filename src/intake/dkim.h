/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dkim: the DKIM signatures of a mail (RFC 6376) and what they are worth for a
 * TLS report: RFC 8460 section 3 forbids "l=", and its keys may name the
 * service "tlsrpt". RFC 8301 rules SHA-1 out.
 *
 * Like the mail parser it belongs in the sandboxed child of digest: keys are
 * looked up through a function, never from here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

#define DKIM_SIGNATURES_MAX 8u	 /* of one mail; further ones do not count */
#define DKIM_FIELDS_MAX 1000u	 /* header fields; a mail with more fails */
#define DKIM_KEY_BYTES_MAX 1000u /* a key's text */

enum dkim_result {
	DKIM_RESULT_NONE, /* no signature */
	DKIM_RESULT_FAIL,
	DKIM_RESULT_TEMP, /* its key cannot be had just now */
	DKIM_RESULT_PASS,
};

/* "none", "fail", "temp", "pass"; and back, NONE for any other text. */
const char *dkim_result_name(enum dkim_result r);
enum dkim_result dkim_result_parse(struct str name);

struct dkim_signature {
	enum dkim_result result;
	struct str domain; /* d=, lower-case */
	struct str reason; /* of anything but a pass */
	bool type_signed;  /* the one Content-Type of the mail is */
};

struct dkim_signatures {
	struct dkim_signature items[DKIM_SIGNATURES_MAX];
	size_t n;
};

/*
 * The text of the TXT record at name, in a. ST_NOTFOUND: there is none;
 * anything else: it cannot be had now.
 */
typedef enum status dkim_key_fn(
	void *ctx, struct arena *a, struct str name, struct str *text);

/* Loads what is needed later, before a sandbox closes. */
void dkim_mail_prepare(void);

/*
 * Checks the signatures of a mail as of the time at (seconds UTC); all lives in
 * a. None holds of a mail that ends some lines in CR LF and others in LF.
 * ST_LIMIT: too many header fields, or memory.
 */
enum status dkim_mail_check(struct arena *a, struct str mail, int64_t at,
	dkim_key_fn *key, void *ctx, struct dkim_signatures *out,
	struct err *e);
