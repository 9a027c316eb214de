/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_tsig: transaction signatures (RFC 8945) with hmac-sha256, the algorithm
 * every implementation must have (section 6). The HMAC itself is handed in, so
 * that proto links with no cryptography.
 *
 * One struct dns_tsig_session carries one exchange: a server verifies the
 * request and signs one or, for a zone transfer, many answers; a client signs
 * the request and verifies the answer. Every answer message is signed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/wire.h"
#include "proto/dns_name.h"

#define DNS_TSIG_MAC 32
#define DNS_TSIG_FUDGE_S 300 /* RFC 8945 section 10 */
#define DNS_TSIG_OTHER_MAX 6 /* the server's time with BADTIME */

/* Errors by their RFC 8945 section 3 numbers; DNS_TSIG_OK is 0. */
enum dns_tsig_error {
	DNS_TSIG_OK = 0,
	DNS_TSIG_FORMERR = 1,
	DNS_TSIG_BADSIG = 16,
	DNS_TSIG_BADKEY = 17,
	DNS_TSIG_BADTIME = 18,
	DNS_TSIG_BADTRUNC = 22,
};

/* HMAC-SHA256 over the parts in order; never fails. */
typedef void dns_hmac_fn(struct str key, const struct str *parts, size_t n,
	uint8_t mac[DNS_TSIG_MAC]);

struct dns_tsig_key {
	struct dns_name name; /* lower case */
	struct str secret;    /* owned by whoever configured it */
};

/* A TSIG record as read; mac and other are borrowed from the message. */
struct dns_tsig {
	struct dns_name key, algorithm;
	uint64_t time; /* UTC seconds, 48 bits */
	uint16_t fudge, original_id, error;
	struct str mac, other;
	size_t at; /* where the record begins in its message */
};

struct dns_tsig_session {
	const struct dns_tsig_key *key; /* NULL: nothing to sign with */
	struct dns_name key_name;	/* as the request spelled it */
	struct dns_name algorithm;	/* likewise */
	dns_hmac_fn *hmac;
	uint8_t mac[DNS_TSIG_MAC]; /* of the message before */
	size_t mac_n;
	uint64_t request_time;
	enum dns_tsig_error error;
	bool later; /* an answer was signed already: timers only */
};

/* Reads rdata into t (all but key and at); false when malformed. */
bool dns_tsig_read(struct str rdata, struct dns_tsig *t);

/*
 * Server: verifies request msg, whose TSIG record is t, against n keys, at time
 * now, and fills the session for the answers. Checks in the order of section
 * 5.2: key, MAC, time, truncation.
 */
enum dns_tsig_error dns_tsig_verify(const struct dns_tsig_key *keys, size_t n,
	dns_hmac_fn *hmac, struct str msg, const struct dns_tsig *t,
	uint64_t now, struct dns_tsig_session *s);

/* Bytes dns_tsig_sign will append to a message. */
size_t dns_tsig_bytes(const struct dns_tsig_session *s);

/*
 * Server: appends the TSIG record to an answer; its additional count becomes
 * one more. After a failed verify the record carries the error, and no MAC
 * unless the error is BADTIME or BADTRUNC (section 5.3.2).
 */
void dns_tsig_sign(
	struct dns_tsig_session *s, struct wire_out *msg, uint64_t now);

/* Client: signs a request. */
void dns_tsig_sign_request(struct dns_tsig_session *s,
	const struct dns_tsig_key *key, dns_hmac_fn *hmac, struct wire_out *msg,
	uint64_t now);

/* Client: verifies one answer message, whose TSIG record is t. */
enum dns_tsig_error dns_tsig_verify_answer(struct dns_tsig_session *s,
	struct str msg, const struct dns_tsig *t, uint64_t now);
