/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_load: writes a zone into a view, for system tests and benchmarks that
 * want the dns role without the rest of moatd.
 *
 *     view_load VIEW ORIGIN SERIAL
 *
 * makes a new view and then obeys its standard input, line by line:
 *
 *     OWNER TTL TYPE DATA [| TYPE DATA]...   all records of a name
 *     OWNER                                  none any more
 *     commit                                 answers "serial N"
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/vec.h"
#include "proto/dns_rr.h"
#include "view/view_writer.h"

#include "base/poison.h"

#define LINE_MAX_BYTES 65536
#define SOA_BYTES_MAX 600
#define RDATA_BYTES_MAX 16384

struct sets {
	struct view_rrset *items;
	size_t n, cap;
};

__attribute__((noreturn)) static void die(const char *why, struct str what)
{
	(void)fprintf(stderr, "view_load: %s: %.*s\n", why, STR_ARG(what));
	exit(EXIT_FAILURE);
}

static struct dns_name name_of(struct str text)
{
	struct dns_name name;

	if (dns_name_parse(text, &name) != ST_OK)
		die("no name", text);
	return name;
}

static struct dns_name name_below(const char *label, struct str origin)
{
	char text[DNS_NAME_TEXT_MAX];
	struct sbuf b = sbuf_fixed(text, sizeof(text));

	sbuf_fmt(&b, "%s.%.*s", label, STR_ARG(origin));
	return name_of(sbuf_ok(&b) ? sbuf_str(&b) : STR(""));
}

static void put_address(struct wire_out *out, int family, struct str text)
{
	char z[64] = "";
	uint8_t b[16];

	if (text.n < sizeof(z))
		memcpy(z, text.p, text.n);
	if (inet_pton(family, z, b) != 1)
		die("no address", text);
	wire_put_bytes(
		out, (struct str){ (char *)b, family == AF_INET ? 4 : 16 });
}

static uint16_t put_record(
	struct wire_out *out, struct str type, struct str data)
{
	struct dns_name name;

	if (str_eq(type, STR("A"))) {
		put_address(out, AF_INET, data);
		return DNS_TYPE_A;
	}
	if (str_eq(type, STR("AAAA"))) {
		put_address(out, AF_INET6, data);
		return DNS_TYPE_AAAA;
	}
	if (str_eq(type, STR("TXT"))) {
		dns_txt_write(out, data);
		return DNS_TYPE_TXT;
	}
	if (str_eq(type, STR("CAA"))) {
		dns_caa_write(out, 0, STR("issue"), data);
		return DNS_TYPE_CAA;
	}
	name = name_of(data);
	dns_rr_name_write(out, &name);
	if (str_eq(type, STR("CNAME")))
		return DNS_TYPE_CNAME;
	if (!str_eq(type, STR("NS")))
		die("unknown type", type);
	return DNS_TYPE_NS;
}

static void add_record(struct arena *a, struct sets *sets, uint16_t type,
	uint32_t ttl, struct str rdata)
{
	struct view_rrset *set = NULL;
	struct str *grown;

	for (size_t i = 0; i < sets->n; i++)
		if (sets->items[i].type == type)
			set = &sets->items[i];
	if (set == NULL) {
		if (!VEC_PUSH(a, sets,
			    ((struct view_rrset){ .type = type, .ttl = ttl })))
			abort();
		set = &sets->items[sets->n - 1];
	}
	grown = arena_array(a, set->n + 1, sizeof(*grown));
	if (set->n > 0)
		memcpy(grown, set->rdata, set->n * sizeof(*grown));
	grown[set->n++] = arena_str(a, rdata);
	set->rdata = grown;
}

static void check(enum status st, const struct err *e, struct str what)
{
	if (st != ST_OK)
		die(e->text, what);
}

static void set_name(struct view_writer *w, struct arena *a, struct str line)
{
	static unsigned char rdata[RDATA_BYTES_MAX];
	struct str rest = line, owner = str_cut(&rest, ' ');
	struct sets sets = {};
	struct err e = {};
	uint32_t ttl = 0;

	if (rest.p != NULL &&
		num_u32(str_cut(&rest, ' '), 0, DNS_TTL_MAX, &ttl) != ST_OK)
		die("no TTL", line);
	while (rest.p != NULL) {
		struct wire_out out = wire_out_of(rdata, sizeof(rdata));
		struct str data = str_trim(str_cut(&rest, '|'));
		struct str type = str_cut(&data, ' ');
		uint16_t number = put_record(&out, type, data);

		if (out.failed)
			die("too long", line);
		add_record(a, &sets, number, ttl, wire_out_str(&out));
	}
	check(view_set_name(w, owner, sets.items, sets.n, &e), &e, line);
}

static void commit(struct view_writer *w, bool *published)
{
	struct err e = {};
	enum status st = view_writer_commit(w, &e);

	if (st == ST_OK && !*published)
		st = view_writer_publish(w, &e);
	check(st, &e, STR("commit"));
	*published = true;
	(void)printf("serial %u\n", view_writer_serial(w));
	(void)fflush(stdout);
	check(view_writer_begin(w, &e), &e, STR("begin"));
}

static struct view_writer *create(
	const char *path, struct str origin, uint32_t serial)
{
	static unsigned char p[SOA_BYTES_MAX];
	struct wire_out out = wire_out_of(p, sizeof(p));
	struct view_writer_options opt = VIEW_WRITER_DEFAULTS;
	struct dns_soa soa = { .serial = serial,
		.refresh = 3600,
		.retry = 600,
		.expire = 604800,
		.minimum = 60 };
	struct view_writer *w = NULL;
	struct view_zone zone;
	struct err e = {};

	soa.mname = name_below("ns1", origin);
	soa.rname = name_below("hostmaster", origin);
	dns_soa_write(&out, &soa);
	zone = (struct view_zone){ origin, serial, 3600, wire_out_str(&out) };
	check(view_writer_create(path, &opt, &zone, &w, &e), &e, origin);
	return w;
}

int main(int argc, char **argv)
{
	static char line[LINE_MAX_BYTES];
	struct arena *a = arena_must(0);
	struct view_writer *w;
	bool published = false;
	uint32_t serial = 0;

	if (argc != 4 ||
		num_u32(str_of(argv[3]), 0, UINT32_MAX, &serial) != ST_OK)
		die("usage", STR("view_load VIEW ORIGIN SERIAL"));
	w = create(argv[1], str_of(argv[2]), serial);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct str s = str_of(line);

		if (s.n > 0 && s.p[s.n - 1] == '\n')
			s.n--;
		arena_reset(a);
		if (str_eq(s, STR("commit")))
			commit(w, &published);
		else if (s.n > 0)
			set_name(w, a, s);
	}
	view_writer_close(&w);
	arena_free(&a);
	return EXIT_SUCCESS;
}
