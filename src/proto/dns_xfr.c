/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_xfr: RFC 5936 section 2.2, RFC 1995 section 4.
 *
 * The transfer is a stream of records; dns_xfr_next fills a message from it.
 * peek gives the record at the head of the stream, take moves on, so a record
 * that no longer fits into a message begins the next one.
 */
#include "base/mem.h"
#include "proto/dns_xfr.h"

#include "base/poison.h"

#define RESTARTS 4

enum phase {
	PHASE_FIRST_SOA,
	PHASE_ZONE,    /* AXFR: the records of all owners */
	PHASE_DELETED, /* IXFR: one step's lists */
	PHASE_ADDED,
	PHASE_LAST_SOA,
	PHASE_DONE,
};

struct record {
	struct dns_name owner;
	uint16_t type;
	uint32_t ttl;
	struct str rdata;
};

struct dns_xfr {
	const struct dns_source *source;
	struct arena *arena; /* the zone's SOA and *after: for all of it */
	struct arena *chunk; /* nodes or the step being sent */
	struct dns_request request;
	struct dns_tsig_session tsig;
	bool has_tsig;
	enum phase phase;
	struct dns_zone zone;
	/* PHASE_ZONE: where we are. */
	char after[DNS_NAME_TEXT_MAX];
	size_t after_n;
	const struct dns_node *nodes;
	size_t n_nodes, node, set, rdata;
	/* PHASE_DELETED, PHASE_ADDED. */
	struct dns_step step;
	size_t change;
};

struct dns_xfr *dns_xfr_new(const struct dns_source *source,
	const struct dns_request *request, const struct dns_result *result)
{
	struct dns_xfr *x = mem_alloc(sizeof(*x));

	if (x == NULL)
		return NULL;
	x->source = source;
	x->request = *request;
	x->request.msg = (struct str){};
	x->tsig = result->tsig;
	x->has_tsig = result->has_tsig;
	x->arena = arena_new(0);
	x->chunk = arena_new(0);
	if (x->arena == NULL || x->chunk == NULL)
		dns_xfr_free(&x);
	return x;
}

void dns_xfr_free(struct dns_xfr **x)
{
	if (*x == NULL)
		return;
	arena_free(&(*x)->arena);
	arena_free(&(*x)->chunk);
	mem_free(*x);
	*x = NULL;
}

static void soa_record(const struct dns_xfr *x, struct record *out)
{
	out->owner = x->source->apex;
	out->type = DNS_TYPE_SOA;
	out->ttl = x->zone.soa_ttl;
	out->rdata = x->zone.soa;
}

/* The next owners, or the end of the zone. */
static enum status fetch_nodes(struct dns_xfr *x)
{
	struct str after = { x->after, x->after_n };
	struct sbuf keep;
	enum status st;

	arena_reset(x->chunk);
	st = x->source->walk(x->source->ctx, x->chunk, x->zone.serial, &after,
		DNS_XFR_NAMES, &x->nodes, &x->n_nodes);
	if (st != ST_OK)
		return st;
	keep = sbuf_fixed(x->after, sizeof(x->after));
	if (x->n_nodes > 0)
		sbuf_add(&keep, after);
	x->after_n = keep.n;
	x->node = x->set = x->rdata = 0;
	if (x->n_nodes == 0)
		x->phase = PHASE_LAST_SOA;
	return sbuf_ok(&keep) ? ST_OK : ST_TEMP;
}

static enum status fetch_step(struct dns_xfr *x, uint32_t serial)
{
	enum status st;

	arena_reset(x->chunk);
	st = x->source->step(x->source->ctx, x->chunk, serial, &x->step);
	if (st == ST_OK) {
		x->change = 0;
		x->phase = PHASE_DELETED;
	}
	return st;
}

/* Moves to the next record of the zone; the SOA was sent before. */
static void skip_rdata(struct dns_xfr *x)
{
	const struct dns_node *node = &x->nodes[x->node];

	if (++x->rdata < node->sets[x->set].n)
		return;
	x->rdata = 0;
	if (++x->set < node->n)
		return;
	x->set = 0;
	x->node++;
}

static enum status peek_zone(struct dns_xfr *x, struct record *out)
{
	const struct dns_node *node;
	const struct dns_rrset *set;

	if (x->node == x->n_nodes)
		return fetch_nodes(x);
	node = &x->nodes[x->node];
	if (x->set >= node->n || x->rdata >= node->sets[x->set].n ||
		node->sets[x->set].type == DNS_TYPE_SOA) {
		if (x->set < node->n)
			skip_rdata(x);
		else
			x->node++;
		return ST_OK;
	}
	set = &node->sets[x->set];
	if (dns_name_parse(node->owner, &out->owner) != ST_OK)
		return ST_TEMP;
	out->type = set->type;
	out->ttl = set->ttl;
	out->rdata = set->rdata[x->rdata];
	return ST_OK;
}

static enum status peek_change(struct dns_xfr *x, struct record *out)
{
	const bool added = x->phase == PHASE_ADDED;
	const struct dns_change *list = added ? x->step.added : x->step.deleted;
	size_t n = added ? x->step.n_added : x->step.n_deleted;

	if (x->change < n) {
		const struct dns_change *c = &list[x->change];

		out->type = c->type;
		out->ttl = c->ttl;
		out->rdata = c->rdata;
		return dns_name_parse(c->owner, &out->owner) == ST_OK ? ST_OK
								      : ST_TEMP;
	}
	x->change = 0;
	if (!added) {
		x->phase = PHASE_ADDED;
		return ST_OK;
	}
	if (x->step.to != x->zone.serial)
		/* The journal was cut meanwhile: ST_NOTFOUND means done. */
		return fetch_step(x, x->step.to) == ST_OK ? ST_OK : ST_AGAIN;
	x->phase = PHASE_LAST_SOA;
	return ST_OK;
}

/*
 * The record at the head of the stream. With ST_OK and type 0 the stream only
 * moved to another place: peek again.
 */
static enum status peek(struct dns_xfr *x, struct record *out)
{
	out->type = 0;
	switch (x->phase) {
	case PHASE_FIRST_SOA:
	case PHASE_LAST_SOA:
		soa_record(x, out);
		return ST_OK;
	case PHASE_ZONE:
		return peek_zone(x, out);
	case PHASE_DELETED:
	case PHASE_ADDED:
		return peek_change(x, out);
	case PHASE_DONE:
		return ST_NOTFOUND;
	}
	return ST_NOTFOUND;
}

/* Behind the first SOA: what kind of transfer is it? */
static enum status choose(struct dns_xfr *x)
{
	enum status st;

	x->phase = PHASE_ZONE;
	if (x->request.question.type != DNS_TYPE_IXFR)
		return ST_OK;
	if (!dns_serial_newer(x->zone.serial, x->request.serial)) {
		x->phase = PHASE_DONE; /* RFC 1995 section 2 */
		return ST_OK;
	}
	st = fetch_step(x, x->request.serial);
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status take(struct dns_xfr *x)
{
	switch (x->phase) {
	case PHASE_FIRST_SOA:
		return choose(x);
	case PHASE_ZONE:
		skip_rdata(x);
		return ST_OK;
	case PHASE_DELETED:
	case PHASE_ADDED:
		x->change++;
		return ST_OK;
	case PHASE_LAST_SOA:
	case PHASE_DONE:
		x->phase = PHASE_DONE;
		return ST_OK;
	}
	return ST_OK;
}

static enum status fill(struct dns_xfr *x, struct dns_writer *w)
{
	for (;;) {
		struct record r;
		enum status st = peek(x, &r);

		if (st == ST_NOTFOUND)
			return ST_OK;
		if (st != ST_OK)
			return st;
		if (r.type == 0)
			continue;
		if (!dns_writer_put(
			    w, DNS_ANSWER, &r.owner, r.type, r.ttl, r.rdata))
			/* A record no message can hold ends the transfer. */
			return w->count[DNS_ANSWER] > 0 ? ST_OK : ST_LIMIT;
		st = take(x);
		if (st != ST_OK)
			return st;
	}
}

static enum status write_message(
	struct dns_xfr *x, struct dns_writer *w, void *buf)
{
	enum status st = ST_OK;

	if (x->phase == PHASE_FIRST_SOA)
		st = x->source->zone(x->source->ctx, x->arena, &x->zone);
	if (st != ST_OK)
		return st;
	dns_writer_answer(w, buf, DNS_MSG_MAX, DNS_XFR_MSG_BYTES,
		x->has_tsig ? dns_tsig_bytes(&x->tsig) : 0, &x->request);
	w->flags |= DNS_AA;
	return fill(x, w);
}

/* Before anything was sent a zone that has changed can be begun anew. */
static void rewind_all(struct dns_xfr *x)
{
	arena_reset(x->arena);
	x->phase = PHASE_FIRST_SOA;
	x->after_n = x->n_nodes = x->node = x->set = x->rdata = 0;
}

enum status dns_xfr_next(struct dns_xfr *x, void *buf, uint64_t now, size_t *n)
{
	const bool first = x->phase == PHASE_FIRST_SOA;
	struct dns_writer w;
	enum status st;

	if (x->phase == PHASE_DONE)
		return ST_NOTFOUND;
	st = write_message(x, &w, buf);
	for (int i = 0; first && st == ST_AGAIN && i < RESTARTS; i++) {
		rewind_all(x);
		st = write_message(x, &w, buf);
	}
	if (st != ST_OK)
		return st;
	(void)dns_writer_finish(&w);
	if (x->has_tsig)
		dns_tsig_sign(&x->tsig, &w.out, now);
	*n = w.out.n;
	return w.out.failed ? ST_LIMIT : ST_OK;
}
