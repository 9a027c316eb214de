/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view: what edge and dns need to answer strangers, in one LMDB file per node.
 *
 * Host name -> policy text, certificate, challenge answers; owner name -> DNS
 * records; report label -> tenant. One process (the keeper) writes it, see
 * view_writer.h; any number read it without sharing a lock with the writer:
 * docs/decisions/0003-view-readers.md tells why that is safe.
 *
 * A struct view belongs to one thread. Results are copies in the caller's
 * arena and stay good whatever happens to the file.
 *
 * Status of every look-up: ST_OK; ST_NOTFOUND not there; ST_LIMIT the arena is
 * full; ST_TEMP no usable file right now (missing, damaged, being replaced).
 * ST_TEMP heals by itself when the keeper has written a new file: call again
 * with the next request. view_healthy tells the state for logs and metrics.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

struct view;

/*
 * A reader of the file at path. ST_OK also when the file is missing or damaged
 * (a front role starts all the same and serves when it appears); look-ups then
 * say ST_TEMP. ST_PERM: path is too long. clock may be NULL: the machine's.
 */
enum status view_open(const char *path, const struct clock *clock,
	struct view **out, struct err *e);
void view_close(struct view **v);

/* false while there is no usable file; *why (may be NULL) is borrowed text. */
bool view_healthy(const struct view *v, const char **why);

/* ---- hosts --------------------------------------------------------------- */

enum view_host_kind {
	VIEW_HOST_POLICY,  /* mta-sts.D */
	VIEW_HOST_REPORT,  /* takes report POSTs */
	VIEW_HOST_CONSOLE, /* forwarded to the console */
};

struct view_http01 {
	struct str token, key_auth; /* RFC 8555 section 8.3 */
};

struct view_host {
	enum view_host_kind kind;
	struct str tenant, domain; /* empty for system hosts */
	struct str policy; /* the body with CRLF lines; p == NULL: none */
	/* The certificate; n_chain == 0: none yet. */
	struct str cert_id; /* SHA-256 of the leaf, 32 bytes */
	struct str *chain;  /* DER, leaf first */
	size_t n_chain;
	struct str key_sealed; /* as pki_key_write, sealed for "cert" */
	/* Challenges being answered now. */
	struct view_http01 *http01;
	size_t n_http01;
	/* tls-alpn-01 (RFC 8737); alpn_cert.p == NULL: none. */
	struct str alpn_cert;	    /* DER */
	struct str alpn_key_sealed; /* sealed with purpose "alpn" */
};

/* host: any case, no trailing dot. */
enum status view_host_get(struct view *v, struct arena *a, struct str host,
	struct view_host *out);

/* Whose the report label (POST /v1/tlsrpt/ID) is; any case. */
struct view_label {
	struct str tenant, domain;
};
enum status view_label_get(struct view *v, struct arena *a, struct str label,
	struct view_label *out);

/* ---- names --------------------------------------------------------------- */

/* All records of one type at one name. */
struct view_rrset {
	uint16_t type;
	uint32_t ttl;
	struct str *rdata; /* wire format, names in it uncompressed */
	size_t n;
};

enum view_name_kind {
	VIEW_NAME_OUTSIDE, /* not in the hosted zone: refuse */
	VIEW_NAME_MISSING, /* NXDOMAIN (RFC 8020: nothing below it either) */
	VIEW_NAME_EMPTY,   /* an empty non-terminal: NODATA */
	VIEW_NAME_RECORDS, /* sets has what there is */
};

struct view_name {
	struct str owner; /* lower case, no trailing dot */
	enum view_name_kind kind;
	struct view_rrset *sets;
	size_t n;
};

/* owner: any case, no trailing dot. Never ST_NOTFOUND: see kind. */
enum status view_name_get(struct view *v, struct arena *a, struct str owner,
	struct view_name *out);

/* The hosted zone; ST_NOTFOUND while none is configured. */
struct view_zone {
	struct str origin;
	uint32_t serial;
	uint32_t soa_ttl;
	struct str soa; /* rdata in wire format, with this serial */
};
enum status view_zone_get(
	struct view *v, struct arena *a, struct view_zone *out);

/*
 * The whole zone in canonical order (RFC 4034 section 6.1), for AXFR: begin
 * with view_zone_get and an empty *after; each call gives up to max names (only
 * those with records) and moves *after (in a, or the caller's copy); *n == 0:
 * the end. ST_AGAIN: the zone is no longer at serial, begin anew.
 */
enum status view_zone_walk(struct view *v, struct arena *a, uint32_t serial,
	struct str *after, size_t max, struct view_name **out, size_t *n);

/*
 * The step of the zone from serial to the next one, for IXFR (RFC 1995): call
 * again with out->to until it equals the zone's serial. ST_NOTFOUND: the
 * journal does not reach back so far, answer with AXFR.
 */
struct view_rr {
	struct str owner;
	uint16_t type;
	uint32_t ttl;
	struct str rdata;
};
struct view_step {
	uint32_t from, to;
	struct view_rr *deleted, *added; /* the first of each is the SOA */
	size_t n_deleted, n_added;
};
enum status view_journal_get(struct view *v, struct arena *a, uint32_t serial,
	struct view_step *out);

/* ---- about the view itself ----------------------------------------------- */

struct view_info {
	int64_t applied_seq; /* changes up to this are in it */
	int64_t built;	     /* when it was built anew */
	uint64_t used_bytes, max_bytes;
	uint64_t txn; /* commits so far in this file */
};
enum status view_info_get(struct view *v, struct view_info *out);
