SET TimeZone TO {timezone};
SET DateStyle TO {datestyle};
