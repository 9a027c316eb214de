/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dane: what the DNS says about DANE for a next hop (RFC 7672 section 2), as
 * plain data: outbound/dane_discover finds it out, proto/sts_decide judges it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Of all hosts that have an address. Zero is the careful one. */
enum dane_state {
	/*
	 * Not known: the MX look-up failed (no answer, SERVFAIL, bogus), or
	 * the address or TLSA look-up of every host did. Mail has to wait
	 * (RFC 7672 section 2.1.2).
	 */
	DANE_TEMP,
	/* Every host has usable TLSA records. */
	DANE_ALL,
	/*
	 * Some have TLSA records and some do not; or all have, but on one of
	 * them none is usable (n_unusable: TLS without authentication there,
	 * RFC 7672 section 2.2); or the TLSA look-up of a host failed, or that
	 * of its addresses while the others have none. An MTA with DANE of its
	 * own does the right thing with each host.
	 */
	DANE_SOME,
	/*
	 * Proven: no secure TLSA records at any host, or an MX record set that
	 * is not signed (RFC 7672 section 2.2.1), or no mail host at all.
	 */
	DANE_ABSENT,
	/* Not looked for: DNSSEC is off or cannot be trusted; why says. */
	DANE_OFF,
};

/* What is known of one host. */
enum dane_host {
	DANE_HOST_UNKNOWN,    /* not asked: DANE is out of question already */
	DANE_HOST_USABLE,     /* TLSA records, at least one usable */
	DANE_HOST_UNUSABLE,   /* TLSA records, none usable */
	DANE_HOST_NONE,	      /* proven to have none, or addresses not signed */
	DANE_HOST_TEMP,	      /* the TLSA look-up failed or is bogus */
	DANE_HOST_BROKEN,     /* the address look-up failed or is bogus */
	DANE_HOST_NO_ADDRESS, /* has neither A nor AAAA, or does not exist */
};

struct mx_host {
	struct str name; /* as host_name_parse gives it */
	uint16_t preference;
	enum dane_host dane;
	struct str tlsa_base; /* where its TLSA records are; p NULL: none */
};

/* One look-up, for moat explain. */
enum dane_outcome {
	DANE_LOOKUP_FOUND,
	DANE_LOOKUP_NODATA,
	DANE_LOOKUP_NXDOMAIN,
	DANE_LOOKUP_BOGUS,
	DANE_LOOKUP_FAILED, /* no answer in time, SERVFAIL */
};

struct dane_step {
	struct str name; /* asked for */
	uint16_t type;
	enum dane_outcome outcome;
	bool secure;
	uint32_t ttl_s;
	struct str text; /* the records, or why there are none; may be "" */
};

struct dane_result {
	enum dane_state state;
	bool mx_known;	    /* the MX look-up gave an answer */
	bool mx_secure;	    /* and it was signed; true for a given host */
	bool implicit_mx;   /* no MX records: the domain itself */
	bool null_mx;	    /* takes no mail (RFC 7505) */
	bool mx_cut;	    /* it has more hosts than mx holds */
	struct mx_host *mx; /* by preference; no host twice, no bad names */
	size_t n_mx;
	size_t n_usable, n_unusable; /* hosts in these states */
	uint32_t ttl_s;		     /* for how long this may be used */
	struct err why;		     /* one sentence for people */
	struct dane_step *steps;     /* in the order of the answers */
	size_t n_steps;
};

/* Stable words for logs, JSON and metrics: "all", "temp"; "usable"; "found". */
const char *dane_state_name(enum dane_state s);
const char *dane_host_name(enum dane_host h);
const char *dane_outcome_name(enum dane_outcome o);

/* The state that follows from the hosts of r, whose MX are known and secure. */
enum dane_state dane_state_of(const struct mx_host *mx, size_t n);
