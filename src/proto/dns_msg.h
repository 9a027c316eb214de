/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_msg: DNS messages (RFC 1035 section 4, EDNS by RFC 6891): a strict reader
 * of requests, a reader of any message record by record, and a writer with name
 * compression. Nothing allocates; what is read borrows from the message.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "base/wire.h"
#include "proto/dns_name.h"
#include "proto/dns_tsig.h"

#define DNS_HEADER_BYTES 12
#define DNS_MSG_MAX 65535
#define DNS_UDP_MIN 512	 /* without EDNS */
#define DNS_UDP_MAX 1232 /* what we send and take over UDP at most */
#define DNS_EDNS_BYTES 11
#define DNS_REQUEST_RECORDS_MAX 64
#define DNS_COMPRESS_MAX 32 /* names remembered for compression */

#define DNS_QR 0x8000u
#define DNS_AA 0x0400u
#define DNS_TC 0x0200u
#define DNS_RD 0x0100u
#define DNS_AD 0x0020u /* RFC 4035 section 3.2.3 */
#define DNS_OPCODE_MASK 0x7800u
#define DNS_OPCODE_SHIFT 11
#define DNS_EDNS_DO 0x8000u

enum dns_opcode { DNS_OPCODE_QUERY = 0, DNS_OPCODE_NOTIFY = 4 };

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_NOTAUTH = 9,
	DNS_BADVERS = 16,
};

struct dns_header {
	uint16_t id, flags;
	uint16_t count[4]; /* question, answer, authority, additional */
};

enum dns_section { DNS_QUESTION, DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };

struct dns_question {
	struct dns_name name; /* case as it was sent */
	uint16_t type, class;
};

/* A record of a message; names inside rdata may be compressed. */
struct dns_rr {
	struct dns_name owner;
	uint16_t type, class;
	uint32_t ttl;
	struct str rdata;
	size_t at, rdata_at; /* offsets in the message */
};

/* Reading any message: header, then questions, then records. */
struct dns_header dns_header_read(struct wire_in *in);
struct dns_question dns_question_read(struct wire_in *in);
struct dns_rr dns_rr_read(struct wire_in *in);

/* The SOA in rr of message msg, its names decompressed. */
struct dns_soa;
enum status dns_rr_soa_read(
	struct str msg, const struct dns_rr *rr, struct dns_soa *out);

/* ---- requests ------------------------------------------------------------ */

struct dns_request {
	uint16_t id, flags;
	bool has_question; /* false: the question was not readable */
	struct dns_question question;
	/* EDNS (RFC 6891). */
	bool edns, dnssec_ok;
	uint8_t edns_version;
	uint16_t udp_bytes; /* what the client takes, at least 512 */
	/* The serial an IXFR request starts from (RFC 1995 section 3). */
	bool has_serial;
	uint32_t serial;
	bool has_tsig;
	struct dns_tsig tsig;
	struct str msg; /* the whole request */
};

enum dns_request_kind {
	DNS_REQUEST_OK,
	DNS_REQUEST_IGNORE,  /* no header, or not a request: no answer */
	DNS_REQUEST_FORMERR, /* answer FORMERR; id, flags, maybe question */
};

/*
 * Reads a request. Exactly one question, at most one OPT and one TSIG, TSIG
 * last, nothing behind the last record; all of it must be well-formed.
 */
enum dns_request_kind dns_request_read(struct str msg, struct dns_request *out);

/* The opcode in a header's flags. */
unsigned dns_opcode_of(uint16_t flags);

/* ---- writing ------------------------------------------------------------- */

struct dns_writer {
	struct wire_out out;
	size_t limit; /* records may not go beyond */
	uint16_t flags;
	unsigned rcode; /* with the extended bits of EDNS */
	uint16_t count[4];
	bool edns, dnssec_ok;
	uint16_t known[DNS_COMPRESS_MAX]; /* offsets of names and suffixes */
	size_t n_known;
};

/*
 * Begins an answer in buf: the id, opcode, RD and question of the request (its
 * name byte for byte, so that 0x20 is kept), an OPT if it had one. Records may
 * fill up to limit bytes (at most cap) less reserve, which is left for a TSIG.
 */
void dns_writer_answer(struct dns_writer *w, void *buf, size_t cap,
	size_t limit, size_t reserve, const struct dns_request *request);

/* Begins a request in buf; edns adds an OPT at the end. */
void dns_writer_request(struct dns_writer *w, void *buf, size_t cap,
	uint16_t id, uint16_t flags, const struct dns_question *question,
	bool edns);

/*
 * Appends a record (class IN), owner and the names in NS, CNAME, SOA and MX
 * data compressed. false if it did not fit: nothing was written then. Sections
 * must come in order.
 */
bool dns_writer_put(struct dns_writer *w, enum dns_section section,
	const struct dns_name *owner, uint16_t type, uint32_t ttl,
	struct str rdata);

/* Takes all records back and sets TC (RFC 2181 section 9). */
void dns_writer_truncate(struct dns_writer *w);

/* Appends the OPT, fills the header in and gives the message's bytes. */
size_t dns_writer_finish(struct dns_writer *w);
