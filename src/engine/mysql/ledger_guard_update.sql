-- The server itself refuses changes of the ledger. Where this account may not make triggers, or where that needs SUPER (binary
-- log), the hash chain alone tells.
CREATE TRIGGER /*M! IF NOT EXISTS */ /*!80029 IF NOT EXISTS */ switchback_ledger_update BEFORE UPDATE ON {ledger} FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the ledger of switchback only grows';
