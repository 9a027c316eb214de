/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding: what a lint found: how bad, where, which rule, what to do. All
 * linters share it, so that the command line and the UI print one kind of line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum finding_level {
	FINDING_NOTE,	 /* worth knowing */
	FINDING_WARNING, /* a SHOULD, or trouble with real software */
	FINDING_ERROR,	 /* a MUST, or the grammar */
};

struct finding {
	enum finding_level level;
	uint32_t line, column; /* from 1; column 0: the line; line 0: all */
	struct str text;       /* what is wrong; untrusted parts escaped */
	const char *rule;      /* "RFC 8461 section 3.2" */
	const char *remedy;    /* "Do this.", a sentence; "" if plain */
	const char *id;	       /* "FIL-07" of docs/checks.md; "" if none */
};

/* A check of docs/checks.md: what is the same each time it finds something. */
struct finding_check {
	const char *id;
	enum finding_level level;
	const char *rule;
	const char *remedy;
};

struct finding_list {
	struct arena *arena;
	struct finding *items;
	size_t n, cap;
	enum finding_level worst; /* of all, those dropped too */
	bool failed; /* memory was used up: the list is not complete */
	bool cut;    /* more than FINDINGS_MAX: the rest was dropped */
};

#define FINDINGS_MAX 200u

/* An empty list that grows in a. */
struct finding_list finding_list_of(struct arena *a);

/*
 * Adds a finding; rule and remedy are literals. Text of strangers goes into
 * fmt only through finding_quote.
 */
void finding_add(struct finding_list *list, enum finding_level level,
	uint32_t line, uint32_t column, const char *rule, const char *remedy,
	const char *fmt, ...) __attribute__((format(printf, 7, 8)));

/* The same for a check with an id. */
void finding_add_check(struct finding_list *list,
	const struct finding_check *check, uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* s escaped and cut to a readable length, NUL-terminated, for %s above. */
const char *finding_quote(struct finding_list *list, struct str s);

/* The worst level: 0 nothing above a note, 1 warnings, 2 errors. */
int finding_verdict(const struct finding_list *list);

/* "error", "warning", "note". */
const char *finding_level_name(enum finding_level level);
