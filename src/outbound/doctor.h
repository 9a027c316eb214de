/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: what moat doctor found out, test by test; docs/sending.md lists the
 * tests by their ids. Beside what is wrong stands what is good, and what could
 * not be tested, which never counts as good.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

/* The exit codes of the command line. */
enum doctor_verdict {
	DOCTOR_GOOD,
	DOCTOR_WARNING,
	DOCTOR_ERROR,
	DOCTOR_UNTESTED,
};

struct doctor_line {
	enum doctor_verdict verdict;
	const char *id;	    /* "postfix.maps", a literal */
	struct str text;    /* the evidence; escaped */
	const char *remedy; /* "Do this.", a literal; "" if plain */
};

struct doctor {
	struct arena *arena; /* aborts when used up */
	struct doctor_line *items;
	size_t n, cap;
};

struct doctor doctor_of(struct arena *a);

/* Text of strangers goes into fmt only through doctor_quote. */
void doctor_add(struct doctor *d, enum doctor_verdict verdict, const char *id,
	const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* s escaped and cut to a readable length. */
const char *doctor_quote(struct doctor *d, struct str s);

/* An error; else something that could not be tested; else a warning. */
enum doctor_verdict doctor_worst(const struct doctor *d);

/* "good", "warning", "error", "could not test". */
const char *doctor_verdict_name(enum doctor_verdict v);

/* The open array gets {"id", "verdict", "text", "remedy"} of each. */
void doctor_json(const struct doctor *d, struct json_writer *w);
