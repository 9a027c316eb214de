/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlsa: TLSA record data (RFC 6698 section 2.1), and which of it a sending MTA
 * can use (RFC 7672 section 3.1).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"

#define TLSA_SHA256_BYTES 32
#define TLSA_SHA512_BYTES 64

/* The numbers of RFC 7218. */
enum tlsa_usage {
	TLSA_PKIX_TA = 0,
	TLSA_PKIX_EE = 1,
	TLSA_DANE_TA = 2,
	TLSA_DANE_EE = 3,
};
enum tlsa_selector { TLSA_CERT = 0, TLSA_SPKI = 1 };
enum tlsa_matching { TLSA_FULL = 0, TLSA_SHA256 = 1, TLSA_SHA512 = 2 };

struct tlsa {
	uint8_t usage, selector, matching;
	struct str data; /* borrowed from the rdata */
};

/* ST_INVALID: fewer than the three octets in front of the data. */
enum status tlsa_parse(struct str rdata, struct tlsa *out);

/* Why a record is unusable; TLSA_USABLE is 0. */
enum tlsa_fault {
	TLSA_USABLE,
	TLSA_USAGE_PKIX, /* RFC 7672 section 3.1.3 */
	TLSA_USAGE_UNKNOWN,
	TLSA_SELECTOR_UNKNOWN,
	TLSA_MATCHING_UNKNOWN,
	TLSA_DATA_LENGTH, /* not as long as the digest */
	TLSA_DATA_DER,	  /* matching type 0, and no certificate or key */
};

enum tlsa_fault tlsa_fault(const struct tlsa *t);

/* A phrase for a fault, to go behind "the record": "is usable". */
const char *tlsa_fault_text(enum tlsa_fault f);

/* Master-file form (RFC 6698 section 2.2): "3 1 1 92003BA3...". */
void tlsa_write(struct sbuf *b, const struct tlsa *t);
