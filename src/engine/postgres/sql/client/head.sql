\set ON_ERROR_STOP on
\set AUTOCOMMIT on
SET client_encoding TO 'UTF8';
