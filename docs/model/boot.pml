/* The boot record of a device with two banks, its power cut between any two writes (docs/BOOT.md).
 *
 * Check it with tools/model-check; docs/model/README.md says what is in it and what is left out. The states,
 * the events and MAY/NEXT come from core/boot/transition_table.h, the table that the C code uses.
 *
 *     power on --> choose --+-- confirmed --> rest | ship an image --> write it --.
 *        ^                  |                                                     |
 *        |                  +-- on trial --> confirm | reject | reset, blamed or not
 *        '------------ cut anywhere, a record unit lost with it, or a reset <-----'
 *
 * Held by assertions: some bank always runs (A1); what runs verifies (A2), is not rejected (A3), and no older
 * than what was confirmed (A4); an image gets no more trials than the product allows (A5); the bank that runs
 * is never written (A6); a confirm that is found again was one (A7); losing a record unit loses no decision (A8). Held by the absence of other cycles: the device comes back to a confirmed image. */
#include "transition_table.pml"

#ifndef CUTS
#define CUTS 3
#endif
#ifndef LOSSES
#define LOSSES 1 /* record units that power cuts take along */
#endif
#ifndef SHIPPED
#define SHIPPED 2 /* images that the operator ships, one after the other, each good or bad */
#endif
#define ATTEMPTS   2 /* build with BARE for a device that may start without record and mark */
#define SOFT_LIMIT 1

#define NONE 2 /* no bank */

/* Images. BAD always fails: it hangs, crashes or fails its self-test. NEWER raises the counter floor. */
#define EMPTY 0 /* also: half written, half erased */
#define FACTORY 1
#define BAD 2
#define GOOD 3
#define NEWER 4
#define COUNTER(image) (image == NEWER)

/* Why the processor started, and how an attempt ended. */
#define NOTHING 0
#define POWER 1
#define SOFT 2   /* a restart, or no link */
#define BLAMED 3 /* watchdog or fault */

typedef Entry {
    bool valid;
    byte state;
    byte active_bank;
    byte target_bank;
    byte image;    /* target digest */
    byte rejected; /* rejected digest */
    byte attempts;
    byte retries;
    byte ended; /* trial reason */
    byte floor
}

typedef Bank {
    byte image; /* EMPTY, or complete and verifiable */
    bool marked
}

/* Flash. unit[newest] holds the newest entry. */
Entry unit[2];
byte newest;
Bank bank[2];

/* What the entry to be written next says. */
Entry next;

/* The outside: what remains of its budgets, and what a judge knows. */
byte cuts = CUTS;
byte losses = LOSSES;
byte shipped = SHIPPED;
byte cause;
bool half_erased; /* a unit was erased for an entry that is not there yet: losing the other now is losing both */
byte trials;                  /* of what is pending */
bool said_yes;                /* what was pending confirmed */
byte decided_floor = 0;       /* as appended last */
byte decided_rejected = EMPTY;
byte firm_floor = 0;          /* as of the last run of a confirmed bank: must survive the loss of a unit */
byte firm_rejected = EMPTY;

/* Scratch. */
byte running, other, into, candidate, wanted;
bool ok;

#define RECORD unit[newest]
#define SPARE  unit[1 - newest]

inline cut_here()
{
    if
    :: cuts > 0 -> cuts--; goto power_cut
    :: true
    fi
}

inline copy_entry(to, from)
{
    to.valid = from.valid;
    to.state = from.state;
    to.active_bank = from.active_bank;
    to.target_bank = from.target_bank;
    to.image = from.image;
    to.rejected = from.rejected;
    to.attempts = from.attempts;
    to.retries = from.retries;
    to.ended = from.ended;
    to.floor = from.floor
}

inline lose(which)
{
    which.valid = false;
    which.state = 0;
    which.active_bank = NONE;
    which.target_bank = NONE;
    which.image = EMPTY;
    which.rejected = EMPTY;
    which.attempts = 0;
    which.retries = 0;
    which.ended = NOTHING;
    which.floor = 0
}

/* An entry goes to the unit that does not hold the newest. A cut before its last bit leaves nothing of it; where
 * the unit had to be erased for it, the unit's older entries are gone as well. */
inline append()
{
#ifdef PLANT_SAME_UNIT
    into = newest;
#else
    into = (RECORD.valid -> 1 - newest : newest);
#endif
    cut_here();
    if
    :: true /* there was room */
    :: d_step {
           lose(unit[into]);
           half_erased = true
       };
       cut_here()
    fi;
    d_step {
        next.valid = true;
        copy_entry(unit[into], next);
        newest = into;
        half_erased = false;
        decided_floor = next.floor;
        decided_rejected = next.rejected
    };
    cut_here()
}

/* The next state by the table; no row, no transition. */
inline move(by)
{
    assert(MAY(next.state, by));
    next.state = NEXT(next.state, by)
}

inline to_idle(event)
{
    copy_entry(next, RECORD);
    move(event);
    next.target_bank = NONE;
    next.image = EMPTY;
    next.attempts = 0;
    next.retries = 0;
    next.ended = NOTHING
}

inline to_confirmed(image_of)
{
    to_idle(CONFIRM);
    next.active_bank = RECORD.target_bank;
    next.floor = (COUNTER(image_of) > next.floor -> COUNTER(image_of) : next.floor)
}

/* --- Bootloader --- */

#define IS_REJECTED(of) (of != EMPTY && of == RECORD.rejected)

inline judge(which)
{
    ok = which != NONE;
    if
    :: ok ->
#ifndef PLANT_NO_VERIFY
       ok = bank[which].image != EMPTY;
#endif
       ok = ok && COUNTER(bank[which].image) >= RECORD.floor &&
            (which == RECORD.active_bank || !IS_REJECTED(bank[which].image))
    :: else
    fi
}

/* A bank that carries the mark of its image takes no trial before it was erased. */
#ifdef PLANT_STALE_MARK
#define KEEPS(which, wanted_image) (bank[which].image == wanted_image)
#else
#define KEEPS(which, wanted_image) (bank[which].image == wanted_image && !bank[which].marked)
#endif

#define SETTLED(rederivable)                                                                                    \
    (SPARE.valid && SPARE.rejected == RECORD.rejected &&                                                        \
     (rederivable || (SPARE.active_bank == RECORD.active_bank && SPARE.floor == RECORD.floor)))

inline settle(rederivable)
{
    if
    :: !SETTLED(rederivable) -> d_step { copy_entry(next, RECORD) }; append()
    :: else
    fi
}

/* Programming a mark; cut meanwhile it is there or not. */
inline mark(which)
{
    cut_here();
    bank[which].marked = true;
    cut_here()
}

/* Back to the active bank. */
inline roll_back(why)
{
    d_step {
        to_idle(ROLL_BACK);
        if
        :: why == BLAMED -> next.rejected = RECORD.image
        :: else
        fi
    };
    append()
}

active proctype device()
{
    d_step {
        bank[0].image = FACTORY;
        bank[0].marked = true;
        lose(unit[0]);
        lose(unit[1]);
        newest = 0;
        cause = POWER
    };
    if
    :: d_step {
           unit[0].valid = true;
           unit[0].state = IDLE;
           unit[0].active_bank = 0
       }
#ifdef BARE
    :: bank[0].marked = false /* a factory that wrote the image, and nothing else */
#endif
    fi;

choose:
    skip;
    d_step {
        if
        :: !RECORD.valid && SPARE.valid -> newest = 1 - newest
        :: else
        fi
    };
    if
    :: RECORD.state == PENDING -> goto first_attempt
    :: RECORD.state == TRIAL -> goto next_attempt
    :: !RECORD.valid -> goto rebuild
    :: else -> goto run_active
    fi;

first_attempt:
    skip;
    d_step {
        copy_entry(next, RECORD);
        move(ATTEMPT);
        next.attempts--
    };
    goto attempt;

next_attempt:
    /* A confirm whose entry was lost left its mark. */
    if
    :: bank[RECORD.target_bank].marked && bank[RECORD.target_bank].image == RECORD.image ->
       d_step { judge(RECORD.target_bank) };
       if
       :: ok -> assert(said_yes); /* A7 */
                d_step { to_confirmed(RECORD.image) };
                append();
                goto run_active
       :: else
       fi
    :: else
    fi;
    d_step {
        copy_entry(next, RECORD);
        if
        :: cause != POWER || next.ended == NOTHING -> next.ended = cause
        :: else
        fi
    };
    if
    :: cause == POWER && next.retries < SOFT_LIMIT -> next.retries++
    :: !(cause == POWER && next.retries < SOFT_LIMIT) && next.attempts > 0 -> next.attempts--
    :: else -> roll_back(next.ended);
               goto run_active
    fi;
    d_step { move(ATTEMPT) };

attempt:
    /* Recorded before it is made. */
#ifndef PLANT_NO_ATTEMPT_RECORD
    append();
#else
    if
    :: RECORD.state == PENDING -> append()
    :: else
    fi;
#endif
    d_step { judge(RECORD.target_bank) };
    if
    :: ok && bank[RECORD.target_bank].image == RECORD.image -> running = RECORD.target_bank;
                                                          goto on_trial
    :: else -> roll_back(NOTHING)
    fi;

run_active:
    if
    :: RECORD.active_bank != NONE -> running = RECORD.active_bank
    :: else -> goto fall_back
    fi;
    d_step { judge(running) };
    if
    :: ok
    :: else -> goto fall_back
    fi;
    if
    :: !bank[running].marked && !SETTLED(false) -> mark(running)
    :: else
    fi;
#ifndef PLANT_REJECT_ONCE
    settle(bank[running].marked);
#endif
    if
    :: IS_REJECTED(bank[1 - running].image) -> cut_here();
                                               bank[1 - running].image = EMPTY;
                                               bank[1 - running].marked = false;
                                               cut_here()
    :: else
    fi;
    goto confirmed;

rebuild:
    skip;
    /* Nothing but what the banks say: the floor from the marked ones. */
    d_step {
        RECORD.active_bank = NONE;
        RECORD.target_bank = NONE;
        RECORD.floor = ((bank[0].marked && COUNTER(bank[0].image)) || (bank[1].marked && COUNTER(bank[1].image)) -> 1 : 0)
    };

fall_back:
    /* A marked bank runs at once; an unmarked one as a trial, recorded first. */
    candidate = 0;
    d_step { judge(0) };
    other = (ok && RECORD.active_bank != 0 -> 1 + bank[0].marked : 0);
    d_step { judge(1) };
    into = (ok && RECORD.active_bank != 1 -> 1 + bank[1].marked : 0);
    if
    :: other == 0 && into == 0 -> assert(false) /* A1: nothing left to run */
    :: other != 0 && other >= into -> candidate = 0
    :: into != 0 && into >= other -> candidate = 1
    fi;
    if
    :: bank[candidate].marked -> d_step { to_idle(STAND_IN); next.active_bank = candidate };
                                 append();
                                 running = candidate;
                                 goto confirmed
    :: else -> d_step {
                   to_idle(RESCUE);
                   next.target_bank = candidate;
                   next.image = bank[candidate].image;
                   next.attempts = ATTEMPTS - 1;
                   trials = 0;
                   said_yes = false
               };
               append();
               running = candidate;
               goto on_trial
    fi;

    /* --- Application --- */

on_trial:
    skip;
    d_step {
        assert(bank[running].image != EMPTY); /* A2 */
        assert(bank[running].image != decided_rejected); /* A3 */
        assert(COUNTER(bank[running].image) >= decided_floor); /* A4 */
        trials++;
        assert(trials <= ATTEMPTS + SOFT_LIMIT + LOSSES - losses) /* A5: a lost entry gives one more */
    };
    if
    :: bank[running].image != BAD -> goto confirm
    :: bank[running].image != BAD -> cause = SOFT; goto choose
    :: bank[running].image == BAD -> goto reject
    :: bank[running].image == BAD -> cause = BLAMED; goto choose
    :: cuts > 0 -> cuts--; goto power_cut
    fi;

confirm:
    said_yes = true;
    d_step { to_confirmed(bank[running].image) };
    append();
    mark(running);
    goto confirmed;

reject:
    skip;
    d_step {
        to_idle(REJECT);
        next.rejected = bank[running].image
    };
    append();
#ifndef PLANT_REJECT_ONCE
    settle(false);
#endif
    cause = SOFT;
    goto choose;

confirmed:
    assert(bank[running].image != EMPTY); /* A2 */
    assert(bank[running].image != decided_rejected); /* A3 */
    assert(COUNTER(bank[running].image) >= decided_floor); /* A4 */
    d_step {
        assert(firm_rejected == EMPTY || RECORD.rejected == firm_rejected); /* A8 */
        assert(RECORD.floor >= firm_floor); /* A8 */
        firm_rejected = RECORD.rejected;
        firm_floor = RECORD.floor
    };
progress_confirmed:
    if
    :: MAY(RECORD.state, BEGIN) && shipped > 0 -> shipped--;
                                                  if
                                                  :: wanted = BAD
                                                  :: wanted = FACTORY
                                                  :: wanted = GOOD
                                                  :: wanted = NEWER
                                                  fi
    :: MAY(RECORD.state, ABANDON) -> d_step { to_idle(ABANDON) }; append(); goto confirmed
    :: MAY(RECORD.state, COMPLETE) && KEEPS(RECORD.target_bank, RECORD.image) -> goto complete
    :: MAY(RECORD.state, RECEIVE) -> goto erase
    :: RECORD.state == RECEIVING -> goto receive
    :: RECORD.state == PENDING -> cause = SOFT; goto choose
    :: cuts > 0 -> cuts--; goto power_cut
    :: RECORD.state == IDLE && shipped == 0 -> goto rest
    fi;
    if
    :: IS_REJECTED(wanted) || COUNTER(wanted) < RECORD.floor -> goto confirmed
    :: else
    fi;
    d_step {
        to_idle(BEGIN);
        next.target_bank = 1 - running;
        next.image = wanted
    };
    append();
    if
    :: KEEPS(1 - running, wanted) -> goto complete
    :: else
    fi;

erase:
    assert(RECORD.target_bank != running); /* A6 */
    cut_here();
    bank[RECORD.target_bank].image = EMPTY;
    cut_here(); /* the mark may outlive the header */
    bank[RECORD.target_bank].marked = false;
    d_step {
        copy_entry(next, RECORD);
        move(RECEIVE)
    };
    append();

receive:
    assert(RECORD.target_bank != running); /* A6 */
    cut_here(); /* partly written: still nothing that verifies */
    bank[RECORD.target_bank].image = RECORD.image;

complete:
    skip;
    d_step {
        copy_entry(next, RECORD);
        move(COMPLETE);
        next.attempts = ATTEMPTS;
        trials = 0;
        said_yes = false
    };
    append();
    goto confirmed;

power_cut:
    /* What was decided since a confirmed bank ran last may go with a unit. */
    cause = POWER;
    if
    :: true
    :: losses > 0 -> losses--;
                     if
                     :: d_step { lose(RECORD) }
                     :: d_step { lose(SPARE) }
                     fi;
                     decided_rejected = firm_rejected;
                     decided_floor = firm_floor
    fi;
    /* With both units lost, refusals are forgotten; what the banks' marks say of the floor is not. */
    if
    :: !RECORD.valid && !SPARE.valid && LOSSES - losses + half_erased > 1 ->
       decided_rejected = EMPTY;
       firm_rejected = EMPTY
    :: else
    fi;
    goto choose;

rest:
    assert(RECORD.active_bank == running && bank[running].image != EMPTY)
}
