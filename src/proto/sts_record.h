/* SPDX-License-Identifier: Apache-2.0 */
/* sts_record: the TXT record at _mta-sts.DOMAIN, RFC 8461 section 3.1. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/sbuf.h"
#include "base/str.h"

enum sts_record_outcome {
	STS_RECORD_NONE,    /* no TXT record here is one of MTA-STS */
	STS_RECORD_VALID,   /* exactly one, and well formed */
	STS_RECORD_INVALID, /* exactly one, and it breaks the grammar */
	STS_RECORD_SEVERAL, /* more than one: senders use none of them */
};

struct sts_record {
	enum sts_record_outcome outcome;
	size_t at;     /* VALID, INVALID: which of the texts it is */
	struct str id; /* VALID: borrowed from that text */
};

/*
 * Selects the record among the n TXT records of the name (each the record's
 * strings joined without anything between them) and reads it. For senders all
 * outcomes but VALID mean: no policy is available. why (may be NULL) gets one
 * sentence unless VALID. Unknown fields are ignored; of a field given twice the
 * first counts.
 */
struct sts_record sts_record_select(
	const struct str *texts, size_t n, struct err *why);

/* Is s an id: 1 to 32 letters and digits? */
bool sts_id_valid(struct str s);

/* "v=STSv1; id=ID;" as RFC 8461 shows it. */
void sts_record_write(struct sbuf *b, struct str id);
