/* SPDX-License-Identifier: Apache-2.0 */
/* tlsrpt_record: the TXT record at _smtp._tls.DOMAIN, RFC 8460 section 3. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"
#include "proto/tlsrpt_uri.h"

enum tlsrpt_record_outcome {
	TLSRPT_RECORD_NONE,    /* no TXT record here is one of TLS-RPT */
	TLSRPT_RECORD_VALID,   /* exactly one, and well formed */
	TLSRPT_RECORD_INVALID, /* exactly one, and it breaks the grammar */
	TLSRPT_RECORD_SEVERAL, /* more than one: senders use none of them */
};

struct tlsrpt_record {
	enum tlsrpt_record_outcome outcome;
	size_t at; /* VALID, INVALID: which of the texts it is */
	/*
	 * Where reports go, in the record's order. VALID has at least one.
	 * INVALID has those that are good: a sender may still use them.
	 */
	struct tlsrpt_uri *rua;
	size_t n_rua;
};

/*
 * Selects the record among the n TXT records of the name (each the record's
 * strings joined) and reads it into a. why (may be NULL) gets one sentence
 * unless VALID. Unknown fields are ignored; several rua fields add up; white
 * space at the very end is tolerated. ST_LIMIT: memory was used up.
 */
enum status tlsrpt_record_select(struct arena *a, const struct str *texts,
	size_t n, struct tlsrpt_record *out, struct err *why);

/* "v=TLSRPTv1; rua=URI,URI": the URIs as they are. */
void tlsrpt_record_write(struct sbuf *b, const struct str *rua, size_t n);
