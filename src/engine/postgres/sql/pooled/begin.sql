-- Each transaction may be in another session, which has the settings of whoever had it last.
SET LOCAL TimeZone TO {timezone};
SET LOCAL DateStyle TO {datestyle};
