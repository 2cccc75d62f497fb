SELECT 'query_only' FROM pragma_query_only WHERE query_only;
