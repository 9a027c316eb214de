/* SPDX-License-Identifier: Apache-2.0 */
/* tlsa: RFC 6698 section 2.1, RFC 7672 section 3.1. */
#include "base/wire.h"
#include "proto/tlsa.h"

#include "base/poison.h"

#define DER_SEQUENCE 0x30
#define DER_BIT_STRING 0x03
#define DER_OID 0x06
#define DER_LONG 0x80
#define DER_LENGTH_BYTES_MAX 3

enum status tlsa_parse(struct str rdata, struct tlsa *out)
{
	struct wire_in in = wire_in_of(rdata);
	struct tlsa t;

	t.usage = wire_u8(&in);
	t.selector = wire_u8(&in);
	t.matching = wire_u8(&in);
	t.data = wire_bytes(&in, wire_left(&in));
	if (!wire_ok(&in))
		return ST_INVALID;
	*out = t;
	return ST_OK;
}

/* The content of the next element, which has to have this tag. */
static struct str der_next(struct wire_in *in, uint8_t tag)
{
	size_t n, bytes;

	if (wire_u8(in) != tag)
		in->failed = true;
	n = wire_u8(in);
	if ((n & DER_LONG) != 0) {
		bytes = n & ~(size_t)DER_LONG;
		if (bytes == 0 || bytes > DER_LENGTH_BYTES_MAX)
			in->failed = true;
		for (n = 0; wire_ok(in) && bytes > 0; bytes--)
			n = n << 8 | wire_u8(in);
	}
	return wire_bytes(in, n);
}

/*
 * The outline of a Certificate (RFC 5280 section 4.1): what is signed, the
 * algorithm, a signature; or of a SubjectPublicKeyInfo: the algorithm, a key.
 * It tells what was cut off, pasted wrong, or goes with the other selector.
 */
static bool is_der(struct str data, uint8_t selector)
{
	struct wire_in outer = wire_in_of(data);
	struct wire_in in = wire_in_of(der_next(&outer, DER_SEQUENCE));
	struct wire_in algorithm;

	if (!wire_done(&outer))
		return false;
	if (selector == TLSA_CERT)
		(void)der_next(&in, DER_SEQUENCE);
	algorithm = wire_in_of(der_next(&in, DER_SEQUENCE));
	(void)der_next(&algorithm, DER_OID);
	return der_next(&in, DER_BIT_STRING).n > 0 && wire_done(&in) &&
	       wire_ok(&algorithm);
}

enum tlsa_fault tlsa_fault(const struct tlsa *t)
{
	if (t->usage == TLSA_PKIX_TA || t->usage == TLSA_PKIX_EE)
		return TLSA_USAGE_PKIX;
	if (t->usage > TLSA_DANE_EE)
		return TLSA_USAGE_UNKNOWN;
	if (t->selector > TLSA_SPKI)
		return TLSA_SELECTOR_UNKNOWN;
	switch (t->matching) {
	case TLSA_FULL:
		return is_der(t->data, t->selector) ? TLSA_USABLE
						    : TLSA_DATA_DER;
	case TLSA_SHA256:
		return t->data.n == TLSA_SHA256_BYTES ? TLSA_USABLE
						      : TLSA_DATA_LENGTH;
	case TLSA_SHA512:
		return t->data.n == TLSA_SHA512_BYTES ? TLSA_USABLE
						      : TLSA_DATA_LENGTH;
	default:
		return TLSA_MATCHING_UNKNOWN;
	}
}

const char *tlsa_fault_text(enum tlsa_fault f)
{
	static const char *const texts[] = {
		[TLSA_USABLE] = "is usable",
		[TLSA_USAGE_PKIX] = ("has a usage that SMTP does not use "
				     "(RFC 7672 section 3.1.3)"),
		[TLSA_USAGE_UNKNOWN] = "has an unknown usage",
		[TLSA_SELECTOR_UNKNOWN] = "has an unknown selector",
		[TLSA_MATCHING_UNKNOWN] = "has an unknown matching type",
		[TLSA_DATA_LENGTH] = "is not as long as its digest",
		[TLSA_DATA_DER] = "holds no whole certificate or key",
	};

	return texts[f];
}

void tlsa_write(struct sbuf *b, const struct tlsa *t)
{
	static const char digits[] = "0123456789ABCDEF";

	sbuf_fmt(b, "%u %u %u ", t->usage, t->selector, t->matching);
	for (size_t i = 0; i < t->data.n; i++) {
		unsigned char c = (unsigned char)t->data.p[i];

		sbuf_addc(b, digits[c >> 4]);
		sbuf_addc(b, digits[c & 15]);
	}
}
